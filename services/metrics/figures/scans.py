"""Figures of admissions at the doors."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.figures.answers import Outcome, Value, outcome
from services.metrics.figures.questions import FigureQuestion, Reach, kind_of
from services.metrics.figures.shows import by_label
from services.metrics.figures.store import KnownShow, select_shows
from services.metrics.figures.vocabulary import Figure
from services.metrics.sales.until import SoldUntil, sold_until
from services.metrics.tickets.reader import AdmissionRow, TicketReader


@dataclass(frozen=True, slots=True)
class ScanFigures:
    """Tickets admitted first within a window, at the venue of their show; the facts are these tickets."""

    reader: TicketReader

    def kind(self, question: FigureQuestion) -> Hashable:
        return kind_of(question)

    async def answers(
        self, conn: Connection, tenant_id: UUID, questions: Sequence[FigureQuestion]
    ) -> Sequence[Outcome]:
        window = questions[0].window
        rows = await self.reader.admissions_in(
            conn,
            tenant_id,
            [window.start, window.end],
            event_ids=Reach.of(questions).event_ids,
            by_event=True,
        )
        admitted = {row.event_id: row for row in rows if row.event_id is not None}
        shows = await select_shows(conn, tenant_id, list(admitted))
        sold: dict[UUID, int] = {}
        if any(question.figure is Figure.SCAN_RATIO for question in questions):
            asked = [SoldUntil(event_id, window.end) for event_id in shows]
            sold = dict(zip(shows, await sold_until(conn, tenant_id, asked), strict=True))
        return [_outcome(question, shows, admitted, sold) for question in questions]


def _outcome(
    question: FigureQuestion,
    shows: Mapping[UUID, KnownShow],
    admitted: Mapping[UUID, AdmissionRow],
    sold: Mapping[UUID, int],
) -> Outcome:
    groups = by_label(question, shows.values())
    values = []
    for labels, grouped in groups.items():
        count = sum(admitted[show.event_id].admitted_count for show in grouped)
        value: float | None = count
        if question.figure is Figure.SCAN_RATIO:
            tickets = sum(sold[show.event_id] for show in grouped)
            value = count / tickets if tickets else None
        values.append(Value(dict(labels), "", value, count))
    moments = (admitted[show.event_id].newest_fact_at for grouped in groups.values() for show in grouped)
    return outcome(values, moments)
