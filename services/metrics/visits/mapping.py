"""Funnels and sessions as messages of the contract."""

from collections.abc import Sequence
from typing import Final

from tickettoken.metrics.v1 import funnel_pb2, sessions_pb2

from libs.common.buckets import Window
from libs.common.moments import interval_of, timestamp_of
from services.metrics.visits.active_store import ActiveRow, Activity
from services.metrics.visits.facts import Step
from services.metrics.visits.funnel_store import FunnelRow
from services.metrics.visits.tallies import NO_SHOW

_FUNNEL_STEPS: Final = ("visit", "event_page", "cart", "checkout", "order", "scan")
_ORDERED: Final = "order"


def funnel_message(row: FunnelRow, window: Window) -> funnel_pb2.GetConversionFunnelResponse:
    counts = row.session_counts
    return funnel_pb2.GetConversionFunnelResponse(
        steps=[
            funnel_pb2.FunnelStep(
                step=name,
                session_count=count,
                step_conversion_ratio=None if before is None else _ratio(count, before),
                overall_conversion_ratio=_ratio(count, counts[0]),
                drop_off_count=count - after,
                median_seconds_from_previous=seconds,
            )
            for name, count, before, after, seconds in zip(
                _FUNNEL_STEPS,
                counts,
                [None, *counts],
                [*counts[1:], counts[-1]],
                [None, *row.median_seconds],
                strict=False,
            )
        ],
        overall_conversion_ratio=_ratio(row.ordering_session_count, counts[0]),
        orders_without_session_count=row.orders_without_session_count,
        window=interval_of(window),
        as_of=timestamp_of(row.newest_fact_at),
    )


def sessions_message(
    rows: Sequence[ActiveRow], activity: Activity, next_page_token: str, *, active_seconds: int
) -> sessions_pb2.ListActiveSessionsResponse:
    return sessions_pb2.ListActiveSessionsResponse(
        sessions=[_session_message(row) for row in rows],
        next_page_token=next_page_token,
        active_count=activity.active_count,
        active_seconds=active_seconds,
        as_of=timestamp_of(activity.newest_fact_at),
    )


def _session_message(row: ActiveRow) -> sessions_pb2.ActiveSession:
    return sessions_pb2.ActiveSession(
        session_id=row.session_id,
        page=row.page,
        event_id="" if row.event_id == NO_SHOW else str(row.event_id),
        device_class=row.device_class or "other",
        start_time=timestamp_of(row.started_at),
        last_seen_time=timestamp_of(row.last_seen_at),
        page_view_count=row.page_view_count,
        furthest_step=_ORDERED if row.has_ordered else Step(row.furthest_step).name.lower(),
    )


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
