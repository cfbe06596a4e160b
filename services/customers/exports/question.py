"""What an export asks for, checked against what its data set has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tickettoken.customers.v1 import rows_pb2

from libs.common.errors import InvalidField
from libs.common.moments import moment_of
from libs.common.tables.columns import Column
from services.customers.exports.data_sets import DATA_SETS, DataSet


@dataclass(frozen=True, slots=True)
class Question:
    """Which rows of a data set, and which of its columns; None: not limited by it."""

    dataset: DataSet
    columns: tuple[Column, ...]
    start: datetime | None
    end: datetime | None
    venue_id: UUID | None
    limit: int | None

    @property
    def places(self) -> list[int]:
        """Where the rows of the data set have the columns."""
        return [self.dataset.columns.index(column) for column in self.columns]

    def binds(self, tenant_id: UUID) -> list[object]:
        """Binds of the data set's statement."""
        return [tenant_id, self.start, self.end, self.venue_id, self.limit]


def question_of(request: rows_pb2.ExportRowsRequest) -> Question:
    """What a valid request asks for.

    Raises:
        InvalidField: It names a column that the data set has not.
    """
    dataset = DATA_SETS[request.dataset]
    has_window, window = request.HasField("window"), request.window
    return Question(
        dataset=dataset,
        columns=_columns(dataset, request.columns),
        start=moment_of(window.start_time, "window.startTime") if has_window else None,
        end=moment_of(window.end_time, "window.endTime") if has_window else None,
        venue_id=UUID(request.venue_id) if request.venue_id else None,
        limit=request.limit if request.HasField("limit") else None,
    )


def _columns(dataset: DataSet, names: Sequence[str]) -> tuple[Column, ...]:
    by_name = {column.name: column for column in dataset.columns}
    for at, name in enumerate(names):
        if name not in by_name:
            raise InvalidField.of(f"columns[{at}]", f"must be one of {', '.join(by_name)}")
    return tuple(by_name[name] for name in names) or dataset.columns
