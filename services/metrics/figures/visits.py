"""Figures of visiting sessions."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.figures.answers import Outcome, Value, labelled, outcome, too_many_groups
from services.metrics.figures.family import MOST_ROWS
from services.metrics.figures.questions import FigureQuestion, Reach, kind_of
from services.metrics.figures.vocabulary import EVENT, VENUE, Figure
from services.metrics.visits.labelled import LabelledCounts, select_labelled_counts


@dataclass(frozen=True, slots=True)
class VisitFigures:
    """Unique sessions of a window; the facts are the sessions that a figure is over."""

    def kind(self, question: FigureQuestion) -> Hashable:
        return kind_of(question)

    async def answers(
        self, conn: Connection, tenant_id: UUID, questions: Sequence[FigureQuestion]
    ) -> Sequence[Outcome]:
        reach, window = Reach.of(questions), questions[0].window
        counts = await select_labelled_counts(
            conn,
            tenant_id,
            [window.start, window.end],
            venue_ids=reach.venue_ids,
            event_ids=reach.event_ids,
            by_venue=reach.by_venue,
            by_event=reach.by_event,
            limit=MOST_ROWS + 1,
        )
        if len(counts) > MOST_ROWS:
            raise too_many_groups()
        return [_outcome(question, counts) for question in questions]


def _outcome(question: FigureQuestion, counts: Sequence[LabelledCounts]) -> Outcome:
    own = [one for one in counts if question.is_about(one.venue_id, one.event_id)]
    values = (
        Value(
            labelled(question.labels, {VENUE: one.venue_id, EVENT: one.event_id}),
            "",
            *_value(question.figure, one),
        )
        for one in own
    )
    return outcome(values, (one.newest_fact_at for one in own))


def _value(figure: Figure, counts: LabelledCounts) -> tuple[float | None, int]:
    """The value, and the sessions it is over."""
    if figure is Figure.VISITOR_COUNT:
        return counts.visitor_count, counts.visitor_count
    if figure is Figure.CONVERSION_RATIO:
        return counts.ordering_session_count / counts.session_count, counts.session_count
    carts = counts.cart_session_count
    return (counts.abandoned_session_count / carts if carts else None), carts
