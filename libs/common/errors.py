"""The error catalogue's root: kinds without a transport, for servers' statuses and workers' retries."""

from collections.abc import Sequence
from datetime import timedelta
from enum import Enum
from typing import ClassVar, NamedTuple


class Kind(Enum):
    """What went wrong, in the words of the canonical status codes but without a transport."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    ABORTED = "ABORTED"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    UNAVAILABLE = "UNAVAILABLE"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    UNIMPLEMENTED = "UNIMPLEMENTED"
    INTERNAL = "INTERNAL"

    @property
    def is_transient(self) -> bool:
        """Whether the same work may succeed later without being changed."""
        return self in _TRANSIENT


_TRANSIENT = frozenset({Kind.ABORTED, Kind.RESOURCE_EXHAUSTED, Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED})


class FieldViolation(NamedTuple):
    """One bad field: its path in the request as JSON names it, and what is allowed there."""

    field: str
    description: str


class AnalyticsError(Exception):
    """An expected refusal. Subclasses fix `kind` and a unique UPPER_SNAKE `reason` that a proto names.

    Args:
        message: One sentence for the caller; never SQL, a secret or another tenant's data.
        violations: Bad fields, where the request itself is at fault.
        retry_after: When the same call may be tried again.
        **metadata: Facts a program can read; every value is sent as text.
    """

    kind: ClassVar[Kind]
    reason: ClassVar[str]

    def __init__(
        self,
        message: str,
        *,
        violations: Sequence[FieldViolation] = (),
        retry_after: timedelta | None = None,
        **metadata: object,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.violations = tuple(violations)
        self.retry_after = retry_after
        self.metadata = {name: str(value) for name, value in metadata.items()}


class InvalidField(AnalyticsError):
    """A field holds a value that its rules refuse."""

    kind = Kind.INVALID_ARGUMENT
    reason = "INVALID_FIELD"

    @classmethod
    def of(cls, field: str, description: str) -> "InvalidField":
        """An error about one field, named as JSON spells it."""
        return cls(f"{field}: {description}", violations=[FieldViolation(field, description)])


class VenueNotFound(AnalyticsError):
    """The venue does not exist for this caller: unknown, another tenant's, or not granted."""

    kind = Kind.NOT_FOUND
    reason = "VENUE_NOT_FOUND"


class DependencyUnavailable(AnalyticsError):
    """A store or service that this call cannot do without is not reachable now."""

    kind = Kind.UNAVAILABLE
    reason = "DEPENDENCY_UNAVAILABLE"


class DependencyTimedOut(AnalyticsError):
    """A store or service did not answer in time."""

    kind = Kind.DEADLINE_EXCEEDED
    reason = "DEPENDENCY_TIMED_OUT"


class NotEnoughHistory(AnalyticsError):
    """There are too few facts, or over too short a time, for what is calculated from them."""

    kind = Kind.FAILED_PRECONDITION
    reason = "NOT_ENOUGH_HISTORY"
