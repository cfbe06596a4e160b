"""Queries of tests, and who sends them."""

from datetime import timedelta

from tickettoken.metrics.v1 import figures_pb2

from tests.metrics.process import Client
from tests.platform.events import NOON

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


class Asker:
    """Asks one process for figures of any tenant.

    Args:
        process: The process.
    """

    def __init__(self, process):
        self._process = process

    async def results(self, tenant_id, *queries, venue_ids=None):
        """Results of queries that get their places as keys."""
        for place, query in enumerate(queries):
            query.key = str(place)
        return list((await self.answer(tenant_id, *queries, venue_ids=venue_ids)).results)

    async def answer(self, tenant_id, *queries, venue_ids=None):
        token = self._process.service_token(tenant_id, venue_ids=venue_ids)
        async with Client.connected(self._process.port, tenant_id, token) as client:
            request = figures_pb2.QueryFiguresRequest(queries=queries)
            return await client.metrics.QueryFigures(request, metadata=client.metadata)

    async def values(self, tenant_id, *queries, venue_ids=None):
        """What each query gave: (labels, currency, value, count), or the reason it failed."""
        results = await self.results(tenant_id, *queries, venue_ids=venue_ids)
        return [result.error_reason or [_value(one) for one in result.values] for result in results]


def _value(one):
    return dict(one.labels), one.currency, one.value if one.HasField("value") else None, one.count
