"""Rules for the names of series: venue, metric type and dimensions."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from libs.common.errors import InvalidField
from services.metrics.recording.rows import SeriesName

_METRIC_TYPE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MAX_DIMENSIONS: Final = 10
_MAX_KEY: Final = 64
_MAX_VALUE: Final = 256

Dimensions = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Series:
    """A series with a name that keeps the rules.

    `shape` identifies metric type and dimensions whatever the venue: the unit of the series budget.
    `fingerprint` identifies the series within its tenant.
    """

    venue_id: UUID
    metric_type: str
    dimensions: Dimensions
    shape: bytes
    fingerprint: bytes


def checked(name: SeriesName) -> Series:
    """The series that this name means.

    Raises:
        InvalidField: The venue id, the metric type or a dimension breaks its rule.
    """
    if not _UUID.fullmatch(name.venue_id):
        raise InvalidField.of("venueId", "must be a UUID")
    if not _METRIC_TYPE.fullmatch(name.metric_type):
        raise InvalidField.of(
            "metricType", "1 to 64 characters: lower-case letters, digits, _; a letter first"
        )
    count = len(name.dimensions) // 2
    dimensions = tuple(zip(name.dimensions[:count], name.dimensions[count:], strict=True))
    check_dimensions(dimensions)
    venue_id = UUID(name.venue_id)
    shape = _digest(name.metric_type, *(text for pair in dimensions for text in pair))
    fingerprint = hashlib.blake2b(venue_id.bytes + shape, digest_size=16).digest()
    return Series(venue_id, name.metric_type, dimensions, shape, fingerprint)


def check_dimensions(dimensions: Dimensions) -> None:
    """Return when number and lengths of the dimensions are in bounds.

    Raises:
        InvalidField: They are not.
    """
    if len(dimensions) > _MAX_DIMENSIONS:
        raise InvalidField.of("dimensions", f"at most {_MAX_DIMENSIONS}")
    for key, value in dimensions:
        if not 1 <= len(key) <= _MAX_KEY:
            raise InvalidField.of("dimensions", f"keys have 1 to {_MAX_KEY} characters")
        if len(value) > _MAX_VALUE:
            raise InvalidField.of("dimensions", f"values have at most {_MAX_VALUE} characters")
        if "\0" in key or "\0" in value:
            raise InvalidField.of("dimensions", "must not contain the character U+0000")


def _digest(*texts: str) -> bytes:
    """A fingerprint that no other list of texts has: each is preceded by its length."""
    hashed = hashlib.blake2b(digest_size=16)
    for text in texts:
        encoded = text.encode()
        hashed.update(len(encoded).to_bytes(4, "big"))
        hashed.update(encoded)
    return hashed.digest()
