"""What one query asks."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from libs.common.buckets import Window
from services.metrics.figures.vocabulary import EVENT, VENUE, Figure


@dataclass(frozen=True, slots=True)
class MetricQuestion:
    """A recorded metric of a venue, aggregated over a window.

    `dimensions` are the pairs that a series must have, in the order of their keys; `labels` the dimensions to
    answer by.
    """

    metric_type: str
    aggregation: str
    window: Window
    venue_id: UUID
    dimensions: tuple[tuple[str, str], ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FigureQuestion:
    """A figure of the platform's facts; None filters nothing."""

    figure: Figure
    window: Window
    venue_id: UUID | None
    event_id: UUID | None
    channel: str | None
    ticket_type_id: UUID | None
    labels: tuple[str, ...]

    def is_about(self, venue_id: UUID | None, event_id: UUID | None) -> bool:
        """Whether facts of this venue and show are asked for."""
        return self.venue_id in (None, venue_id) and self.event_id in (None, event_id)


Question: TypeAlias = MetricQuestion | FigureQuestion


@dataclass(frozen=True, slots=True)
class Reach:
    """Venues and shows that several questions of the same kind are about, and what tells them apart.

    Either all of the questions name a venue (a show), or none does: `kind_of` keeps the others away.
    """

    venue_ids: tuple[UUID, ...]
    event_ids: tuple[UUID, ...]
    by_venue: bool
    by_event: bool

    @classmethod
    def of(cls, questions: Iterable[FigureQuestion]) -> "Reach":
        asked = list(questions)
        venue_ids = tuple(dict.fromkeys(one.venue_id for one in asked if one.venue_id is not None))
        event_ids = tuple(dict.fromkeys(one.event_id for one in asked if one.event_id is not None))
        labels = asked[0].labels
        return cls(
            venue_ids, event_ids, bool(venue_ids) or VENUE in labels, bool(event_ids) or EVENT in labels
        )


def kind_of(question: FigureQuestion) -> tuple[object, ...]:
    """Questions of one kind differ only in their figure, venue and show: one read answers them."""
    return (
        question.window,
        question.labels,
        question.channel,
        question.ticket_type_id,
        question.venue_id is None,
        question.event_id is None,
    )
