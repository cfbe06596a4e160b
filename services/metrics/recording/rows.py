"""Reads the rows of a recording call column by column and judges each one by itself."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

import numpy as np
from google.protobuf.json_format import Error as JsonFormatError
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from numpy.typing import NDArray

from libs.common.errors import AnalyticsError, InvalidField
from libs.common.moments import FUTURE_TOLERANCE_US
from services.metrics.errors import MetadataTooLarge, TimestampInFuture, TimestampTooOld
from services.metrics.rollups import Doubles, Integers

MAX_METADATA_BYTES: Final = 4096
LARGEST_VALUE: Final = 1e300  # a rollup may add a hundred million of them before a double overflows

FlatDimensions = tuple[str, ...]


class SeriesName(NamedTuple):
    """What names a series in a request: texts as given.

    `dimensions` holds the sorted keys, then their values in the same order: flat, because it is made for
    every row.
    """

    venue_id: str
    metric_type: str
    dimensions: FlatDimensions


@dataclass(frozen=True, slots=True)
class KnownSeries:
    """A stored series: its id and what it measures where."""

    series_id: int
    venue_id: UUID
    metric_type: str


class _Timestamp(Protocol):
    seconds: int
    nanos: int


class MetricRow(Protocol):
    """The fields that a single recorded metric and a row of a batch have in common."""

    metric_type: str
    value: float
    venue_id: str
    metric_id: str

    @property
    def timestamp(self) -> _Timestamp: ...
    @property
    def dimensions(self) -> Mapping[str, str]: ...
    @property
    def metadata(self) -> Struct: ...
    def HasField(self, name: Any) -> bool: ...  # noqa: N802 (protobuf's name)


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Now and the oldest and newest time a row may carry, in microseconds since 1970."""

    now: int
    oldest: int
    newest: int

    @classmethod
    def around(cls, now_us: int, *, retention_days: int) -> "TimeLimits":
        return cls(now_us, now_us - retention_days * 86_400_000_000, now_us + FUTURE_TOLERANCE_US)


@dataclass(slots=True)
class Rows:
    """Rows of one call that may be stored, as columns of equal length.

    `positions` are the rows' places in the request. `metric_ids` holds 16 bytes a row, or b"" where the row
    has none; the list is empty when no row has one. `metadata` holds JSON by place in these columns.
    """

    series: Integers
    times: Integers
    values: Doubles
    positions: Integers
    metric_ids: list[bytes] = field(default_factory=list)
    metadata: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.series)

    def only(self, kept: NDArray[np.bool_]) -> "Rows":
        """The rows where `kept` is true."""
        places = np.flatnonzero(kept).tolist()
        metric_ids = [self.metric_ids[at] for at in places] if self.metric_ids else []
        return Rows(
            series=self.series[kept],
            times=self.times[kept],
            values=self.values[kept],
            positions=self.positions[kept],
            metric_ids=metric_ids if any(metric_ids) else [],
            metadata={new: self.metadata[old] for new, old in enumerate(places) if old in self.metadata}
            if self.metadata
            else {},
        )

    def in_order(self) -> "Rows":
        """The rows by series and time: neighbours in the index are then written together."""
        order = np.lexsort((self.times, self.series))
        places = order.tolist() if self.metric_ids or self.metadata else []
        moved = {old: new for new, old in enumerate(places)} if self.metadata else {}
        return Rows(
            series=self.series[order],
            times=self.times[order],
            values=self.values[order],
            positions=self.positions[order],
            metric_ids=[self.metric_ids[at] for at in places] if self.metric_ids else [],
            metadata={moved[at]: text for at, text in self.metadata.items()},
        )

    @classmethod
    def joined(cls, parts: Sequence["Rows"]) -> "Rows":
        """The rows of all parts one after the other; `positions` stay those of each part's own request."""
        if len(parts) == 1:
            return parts[0]
        metric_ids: list[bytes] = []
        if any(part.metric_ids for part in parts):
            for part in parts:
                metric_ids += part.metric_ids or [b""] * len(part)
        metadata: dict[int, str] = {}
        offset = 0
        for part in parts:
            metadata.update((offset + at, text) for at, text in part.metadata.items())
            offset += len(part)
        return cls(
            series=np.concatenate([part.series for part in parts]),
            times=np.concatenate([part.times for part in parts]),
            values=np.concatenate([part.values for part in parts]),
            positions=np.concatenate([part.positions for part in parts]),
            metric_ids=metric_ids,
            metadata=metadata,
        )


@dataclass(slots=True)
class ReadRows:
    """Rows as read from a request, the refusals by place in the request, and the series that were found."""

    names: list[SeriesName] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    metric_ids: list[bytes] = field(default_factory=list)
    metadata: dict[int, str] = field(default_factory=dict)
    refused: dict[int, AnalyticsError] = field(default_factory=dict)
    series: dict[SeriesName, KnownSeries] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    def distinct_names(self) -> list[SeriesName]:
        """The series that rows not yet refused name, in the order of the request."""
        if not self.refused:
            return list(dict.fromkeys(self.names))
        return list(dict.fromkeys(n for at, n in enumerate(self.names) if at not in self.refused))

    def refuse_series(self, refusals: Mapping[SeriesName, AnalyticsError]) -> None:
        """Refuse every row of these series, unless it is refused already."""
        if refusals:
            for place, name in enumerate(self.names):
                if name in refusals:
                    self.refused.setdefault(place, refusals[name])

    def columns(self) -> Rows:
        """The rows that are left; `series` must hold every series they name."""
        ids = {name: known.series_id for name, known in self.series.items()}
        if self.refused:
            ids = {name: ids.get(name, 0) for name in self.names}
        rows = Rows(
            series=np.array([ids[name] for name in self.names], np.int64),
            times=np.array(self.times, np.int64),
            values=np.array(self.values, np.float64),
            positions=np.arange(len(self.names), dtype=np.int64),
            metric_ids=self.metric_ids if any(self.metric_ids) else [],
            metadata=self.metadata,
        )
        if not self.refused:
            return rows
        kept = np.ones(len(rows), bool)
        kept[list(self.refused)] = False
        return rows.only(kept)


def read_rows(metrics: Iterable[MetricRow], limits: TimeLimits) -> ReadRows:
    """The rows of a request with those refused whose value, time, id or metadata is not acceptable.

    Names of series are judged by `series_names`, once a name and not once a row. This loop runs for every
    recorded row: what is rare is tested after what is cheap.
    """
    rows = ReadRows()
    add_name, add_time = rows.names.append, rows.times.append
    add_value, add_metric_id = rows.values.append, rows.metric_ids.append
    new_name, sorted_, map_ = SeriesName, sorted, map
    now = limits.now
    place = 0
    for metric in metrics:
        dimensions: FlatDimensions = ()
        if given := metric.dimensions:
            keys = sorted_(given)
            dimensions = (*keys, *map_(given.__getitem__, keys))
        add_name(new_name(metric.venue_id, metric.metric_type, dimensions))
        value = metric.value
        if not value and not metric.HasField("value"):
            rows.refused[place] = InvalidField.of("value", "is required")
        add_value(value)
        timestamp = metric.timestamp
        micros = timestamp.seconds * 1_000_000 + timestamp.nanos // 1000
        if not micros and not metric.HasField("timestamp"):
            micros = now
        add_time(micros)
        metric_id = metric.metric_id
        add_metric_id(_metric_id(metric_id, place, rows) if metric_id else b"")
        if metric.HasField("metadata"):
            _read_metadata(metric.metadata, place, rows)
        place += 1  # noqa: SIM113 (enumerate costs a tuple a row)
    _refuse_bad_numbers(rows, limits)
    return rows


def _refuse_bad_numbers(rows: ReadRows, limits: TimeLimits) -> None:
    for place, value in enumerate(rows.values):
        if not -LARGEST_VALUE <= value <= LARGEST_VALUE:
            rows.refused.setdefault(
                place,
                InvalidField.of("value", f"must be finite, between -{LARGEST_VALUE} and {LARGEST_VALUE}"),
            )
    for place, micros in enumerate(rows.times):
        if not limits.oldest <= micros <= limits.newest:
            rows.refused.setdefault(place, _time_refusal(micros, limits))
            rows.times[place] = limits.now


def _time_refusal(micros: int, limits: TimeLimits) -> AnalyticsError:
    if micros > limits.newest:
        return TimestampInFuture("timestamp: at most 5 minutes ahead of now", violations=_AHEAD)
    days = (limits.now - limits.oldest) // 86_400_000_000
    return TimestampTooOld(
        f"timestamp: older than the {days} days that metrics are kept",
        violations=_TOO_OLD,
        retention_days=days,
    )


def _metric_id(text: str, place: int, rows: ReadRows) -> bytes:
    if len(text) == 36:
        try:
            packed = bytes.fromhex(text.replace("-", ""))
        except ValueError:
            packed = b""
        if len(packed) == 16 and text[8] == text[13] == text[18] == text[23] == "-":
            return packed
    rows.refused[place] = InvalidField.of("metricId", "must be a UUID")
    return b""


def _read_metadata(metadata: Struct, place: int, rows: ReadRows) -> None:
    if metadata.ByteSize() > 2 * MAX_METADATA_BYTES:
        rows.refused[place] = _TOO_LARGE
        return
    try:
        text = json.dumps(MessageToDict(metadata), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(text.encode())
    except (JsonFormatError, ValueError, RecursionError):
        rows.refused[place] = InvalidField.of("metadata", "must be valid JSON: no NaN, no infinity")
        return
    if size > MAX_METADATA_BYTES:
        rows.refused[place] = _TOO_LARGE
    elif "\\u0000" in text.replace("\\\\", ""):
        rows.refused[place] = InvalidField.of("metadata", "must not contain the character U+0000")
    else:
        rows.metadata[place] = text


_TOO_LARGE = MetadataTooLarge(
    f"metadata: at most {MAX_METADATA_BYTES} bytes of JSON",
    violations=InvalidField.of("metadata", f"at most {MAX_METADATA_BYTES} bytes of JSON").violations,
)
_AHEAD = InvalidField.of("timestamp", "at most 5 minutes ahead of now").violations
_TOO_OLD = InvalidField.of("timestamp", "older than the retention of metrics").violations
