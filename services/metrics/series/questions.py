"""What a request asks of a series, checked as far as field rules cannot."""

from collections.abc import Iterable, Sequence
from typing import Protocol
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from libs.common.buckets import Window
from libs.common.errors import InvalidField
from libs.common.moments import moment_of
from services.metrics.series.selection import Selection


class _SeriesRequest(Protocol):
    venue_id: str
    metric_type: str

    @property
    def dimension(self) -> Sequence[str]: ...
    @property
    def start_date(self) -> Timestamp: ...
    @property
    def end_date(self) -> Timestamp: ...


def selection_of(tenant_id: UUID, request: _SeriesRequest) -> Selection:
    """The series a request is about.

    Raises:
        InvalidField: A dimension is not "key=value", or two ask for different values of one key.
    """
    dimensions = dimensions_of(request.dimension)
    return Selection(tenant_id, UUID(request.venue_id), request.metric_type, dimensions)


def dimensions_of(pairs: Iterable[str]) -> dict[str, str]:
    """Dimensions of "key=value" texts.

    Raises:
        InvalidField: One is not "key=value", or two ask for different values of one key.
    """
    dimensions: dict[str, str] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not key or not separator:
            raise InvalidField.of("dimension", "must be key=value; repeat the parameter for several")
        if dimensions.setdefault(key, value) != value:
            raise InvalidField.of("dimension", f"asks for two values of {key!r}; a series has one")
    return dimensions


def window_of(request: _SeriesRequest) -> Window:
    """The window a request is about.

    Raises:
        InvalidField: It is empty, or its dates lie outside the calendar.
    """
    return Window.of(moment_of(request.start_date, "startDate"), moment_of(request.end_date, "endDate"))
