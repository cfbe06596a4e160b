"""Figures of the secondary market."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.figures.answers import Outcome, Value, labelled, outcome, too_many_groups
from services.metrics.figures.family import MOST_ROWS
from services.metrics.figures.questions import FigureQuestion, Reach, kind_of
from services.metrics.figures.vocabulary import EVENT, VENUE, Figure
from services.metrics.marketplace.reader import MarketplaceReader, ResaleRatio


@dataclass(frozen=True, slots=True)
class ResaleFigures:
    """Resales of a window; the facts are resales, of the ratio those whose face value is known."""

    reader: MarketplaceReader

    def kind(self, question: FigureQuestion) -> Hashable:
        return kind_of(question)

    async def answers(
        self, conn: Connection, tenant_id: UUID, questions: Sequence[FigureQuestion]
    ) -> Sequence[Outcome]:
        reach = Reach.of(questions)
        resales = await self.reader.ratios_in(
            conn,
            tenant_id,
            questions[0].window,
            venue_ids=reach.venue_ids,
            event_ids=reach.event_ids,
            by_venue=reach.by_venue,
            by_event=reach.by_event,
            limit=MOST_ROWS + 1,
        )
        if len(resales) > MOST_ROWS:
            raise too_many_groups()
        return [_outcome(question, resales) for question in questions]


def _outcome(question: FigureQuestion, resales: Sequence[ResaleRatio]) -> Outcome:
    own = [one for one in resales if question.is_about(one.venue_id, one.event_id)]
    is_count = question.figure is Figure.RESALE_COUNT
    values = (
        Value(
            labelled(question.labels, {VENUE: one.venue_id, EVENT: one.event_id}),
            "",
            one.resale_count if is_count else one.median_price_ratio,
            one.resale_count if is_count else one.ratio_count,
        )
        for one in own
    )
    return outcome(values, (one.newest_fact_at for one in own))
