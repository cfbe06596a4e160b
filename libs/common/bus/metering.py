"""Counters of what the bus carried: published events, and delivered ones by queue and verdict."""

from collections import Counter as Tally
from collections.abc import Iterable, Sequence

from prometheus_client import Counter
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.port import Verdict

_PUBLISHED = Counter("bus_events_published_total", "Events confirmed by the broker.", ["type"])
_SETTLED = Counter("bus_events_settled_total", "Deliveries settled by consumers.", ["queue", "verdict"])


def count_published(events: Sequence[Event]) -> None:
    for event_type, count in Tally(event.type for event in events).items():
        _PUBLISHED.labels(event_type).inc(count)


def count_settled(queue: str, verdicts: Iterable[Verdict]) -> None:
    for verdict, count in Tally(verdicts).items():
        _SETTLED.labels(queue, verdict.value).inc(count)
