"""The port between the use case and what it reads: figures that are made from the same facts."""

from collections.abc import Hashable, Sequence
from typing import Final, Protocol, TypeVar
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.figures.answers import Outcome

MOST_ROWS: Final = 50_000
"""Rows that one read takes. A question of its own that needs more has too many label sets."""

QuestionT_contra = TypeVar("QuestionT_contra", contravariant=True)


class Family(Protocol[QuestionT_contra]):
    """Figures that are made from the same facts."""

    def kind(self, question: QuestionT_contra) -> Hashable:
        """Questions of one kind are answered together."""
        ...

    async def answers(
        self, conn: Connection, tenant_id: UUID, questions: Sequence[QuestionT_contra]
    ) -> Sequence[Outcome]:
        """One outcome a question, all of one kind, in their order.

        Args:
            conn: A transaction of the tenant; its venue grant limits the answers.
            tenant_id: The tenant.
            questions: At least one.

        Raises:
            TooManyGroups: They need more rows together than one read takes; one of them alone may not.
            TooManyEvents: They are about more shows to come together than are read; one of them may not be.
            AnalyticsError: None of them can be answered, each for this reason.
        """
        ...
