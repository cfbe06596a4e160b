"""Where shows stood among comparable past shows at the end of a window."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.figures.answers import Outcome, Value, outcome
from services.metrics.figures.questions import FigureQuestion
from services.metrics.figures.shows import by_label, kind_of_stock, shows_of
from services.metrics.performance.pacing import PacingReader


@dataclass(frozen=True, slots=True)
class PaceFigures:
    """Percentiles of shows; the facts are the shows they are compared with."""

    reader: PacingReader

    def kind(self, question: FigureQuestion) -> Hashable:
        return kind_of_stock(question)

    async def answers(
        self, conn: Connection, tenant_id: UUID, questions: Sequence[FigureQuestion]
    ) -> Sequence[Outcome]:
        shows = await shows_of(conn, tenant_id, questions)
        end = questions[0].window.end
        standings = await self.reader.standings_in(conn, tenant_id, list(shows), end)
        outcomes = []
        for question in questions:
            values = []
            groups = by_label(
                question, (shows[event_id] for event_id in shows if event_id in standings.pacing)
            )
            for labels, (show,) in groups.items():
                pacing = standings.pacing[show.event_id]
                values.append(Value(dict(labels), "", pacing.rank.percentile, len(pacing.comparables)))
            moments = (standings.shows[show.event_id].newest_fact_at for (show,) in groups.values())
            outcomes.append(outcome(values, moments))
        return outcomes
