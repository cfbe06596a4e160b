"""Queries of tests."""

from datetime import timedelta

from tickettoken.metrics.v1 import figures_pb2

from tests.metrics.platform.events import NOON

DAY = timedelta(days=1)
WINDOW = (NOON - DAY, NOON + DAY)


def query(figure="", *, metric="", window=WINDOW, venue="", event="", labels=(), **fields):
    made = figures_pb2.FigureQuery(
        group_by=labels, venue_id=str(venue), event_id=str(event), key="k", **fields
    )
    if figure:
        made.figure = figure
    if metric:
        made.metric_type = metric
    made.window.start_time.FromDatetime(window[0])
    made.window.end_time.FromDatetime(window[1])
    return made
