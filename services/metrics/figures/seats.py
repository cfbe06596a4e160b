"""Figures of seats, as they were at the end of a window."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.capacity.figures import Seats, sum_of
from services.metrics.capacity.report import Capacity
from services.metrics.figures.answers import Outcome, Value, outcome
from services.metrics.figures.questions import FigureQuestion
from services.metrics.figures.shows import by_label, kind_of_stock, shows_of
from services.metrics.figures.store import KnownShow
from services.metrics.figures.vocabulary import Figure
from services.metrics.sales.until import SoldUntil, sold_until


@dataclass(frozen=True, slots=True)
class SeatFigures:
    """Seats sold until the end and not returned, of those known now; the facts are tickets."""

    capacity: Capacity

    def kind(self, question: FigureQuestion) -> Hashable:
        return kind_of_stock(question)

    async def answers(
        self, conn: Connection, tenant_id: UUID, questions: Sequence[FigureQuestion]
    ) -> Sequence[Outcome]:
        shows = await shows_of(conn, tenant_id, questions)
        known = await self.capacity.seats_in(conn, tenant_id, list(shows))
        end = questions[0].window.end
        sold = await sold_until(conn, tenant_id, [SoldUntil(event_id, end) for event_id in known])
        seats = {
            event_id: show.seats._replace(sold=count)
            for (event_id, show), count in zip(known.items(), sold, strict=True)
        }
        return [_outcome(question, shows, seats) for question in questions]


def _outcome(
    question: FigureQuestion, shows: Mapping[UUID, KnownShow], seats: Mapping[UUID, Seats]
) -> Outcome:
    groups = by_label(question, (shows[event_id] for event_id in shows if event_id in seats))
    values = []
    for labels, grouped in groups.items():
        together = sum_of(seats[show.event_id] for show in grouped)
        is_ratio = question.figure is Figure.SELL_THROUGH_RATIO
        value = together.utilisation if is_ratio else together.available
        values.append(Value(dict(labels), "", value, together.sold))
    return outcome(values, (show.newest_fact_at for grouped in groups.values() for show in grouped))
