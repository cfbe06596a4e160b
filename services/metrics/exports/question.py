"""What an export asks for, checked against what its data set has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from tickettoken.metrics.v1 import rows_pb2

from libs.common.errors import InvalidField
from libs.common.moments import moment_of
from libs.common.tables.columns import Column
from services.metrics.exports.dataset import DataSet, Narrowing
from services.metrics.exports.point_sets import POINT_SETS
from services.metrics.exports.sale_sets import SALE_SETS
from services.metrics.exports.show_sets import SHOW_SETS

DATA_SETS: Final = {one.name: one for one in (*SALE_SETS, *SHOW_SETS, *POINT_SETS)}


@dataclass(frozen=True, slots=True)
class Question:
    """Which rows of a data set, and which of its columns; None: not limited by it."""

    dataset: DataSet
    columns: tuple[Column, ...]
    start: datetime | None
    end: datetime | None
    venue_id: UUID | None
    event_id: UUID | None
    metric_type: str | None
    limit: int | None

    @property
    def places(self) -> list[int]:
        """Where the rows of the data set have the columns."""
        return [self.dataset.columns.index(column) for column in self.columns]

    def binds(self, tenant_id: UUID) -> list[object]:
        """Binds of the data set's statement."""
        common: list[object] = [tenant_id, self.start, self.end, self.venue_id, self.limit]
        if self.dataset.narrowing is None:
            return common
        return [*common, self.event_id if self.dataset.narrowing is Narrowing.EVENT else self.metric_type]


def question_of(request: rows_pb2.ExportRowsRequest) -> Question:
    """What a valid request asks for.

    Raises:
        InvalidField: It names a column that the data set has not, or narrows it by what it cannot be narrowed
            by.
    """
    dataset = DATA_SETS[request.dataset]
    start, end = _window(request)
    _require_narrowing(dataset, Narrowing.EVENT, request.event_id)
    _require_narrowing(dataset, Narrowing.METRIC_TYPE, request.metric_type)
    return Question(
        dataset=dataset,
        columns=_columns(dataset, request.columns),
        start=start,
        end=end,
        venue_id=UUID(request.venue_id) if request.venue_id else None,
        event_id=UUID(request.event_id) if request.event_id else None,
        metric_type=request.metric_type or None,
        limit=request.limit if request.HasField("limit") else None,
    )


def _window(request: rows_pb2.ExportRowsRequest) -> tuple[datetime | None, datetime | None]:
    if not request.HasField("window"):
        return None, None
    return (
        moment_of(request.window.start_time, "window.startTime"),
        moment_of(request.window.end_time, "window.endTime"),
    )


def _require_narrowing(dataset: DataSet, narrowing: Narrowing, text: str) -> None:
    if text and dataset.narrowing is not narrowing:
        raise InvalidField.of(narrowing.value, f"does not apply to the data set {dataset.name}")


def _columns(dataset: DataSet, names: Sequence[str]) -> tuple[Column, ...]:
    by_name = {column.name: column for column in dataset.columns}
    for at, name in enumerate(names):
        if name not in by_name:
            raise InvalidField.of(f"columns[{at}]", f"must be one of {', '.join(by_name)}")
    return tuple(by_name[name] for name in names) or dataset.columns
