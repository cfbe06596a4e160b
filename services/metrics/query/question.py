"""What a caller asks in the closed vocabulary."""

from dataclasses import dataclass
from datetime import datetime

from libs.common.buckets import Granularity, Window
from services.metrics.query.vocabulary import Label, Metric
from services.metrics.sales.reader import Dimension, SalesFilter

_DIMENSIONS = {
    Label.VENUE: Dimension.VENUE,
    Label.EVENT: Dimension.EVENT,
    Label.CHANNEL: Dimension.CHANNEL,
    Label.TYPE: Dimension.TICKET_TYPE,
}


@dataclass(frozen=True, slots=True)
class Question:
    """One question; an empty `time_zone` stands for the zone of the only venue asked about, or UTC."""

    metrics: tuple[Metric, ...]
    window: Window
    granularity: Granularity
    where: SalesFilter
    labels: frozenset[Label]
    limit: int
    time_zone: str

    @property
    def dimensions(self) -> frozenset[Dimension]:
        """The labels of a sale to tell apart."""
        return frozenset(_DIMENSIONS[label] for label in self.labels if label is not Label.TIME)


@dataclass(frozen=True, slots=True)
class Times:
    """Buckets of an answer: `starts` are their first instants, none without time; `edges` cut the facts."""

    starts: tuple[datetime, ...]
    edges: tuple[datetime, ...]

    def start(self, place: int) -> datetime | None:
        """First instant of a bucket; None where the answer is not by time."""
        return self.starts[place] if self.starts else None
