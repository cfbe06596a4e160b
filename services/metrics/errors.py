"""Refusals of the metrics service; each reason is named in a comment of its contract."""

from libs.common.errors import AnalyticsError, Kind


class TimestampInFuture(AnalyticsError):
    """A metric is dated further ahead than clocks may differ."""

    kind = Kind.INVALID_ARGUMENT
    reason = "TIMESTAMP_IN_FUTURE"


class TimestampTooOld(AnalyticsError):
    """A metric is older than the retention of raw rows."""

    kind = Kind.INVALID_ARGUMENT
    reason = "TIMESTAMP_TOO_OLD"


class MetadataTooLarge(AnalyticsError):
    """A row's metadata is larger than what is stored beside a value."""

    kind = Kind.INVALID_ARGUMENT
    reason = "METADATA_TOO_LARGE"


class SeriesBudgetExceeded(AnalyticsError):
    """A new combination of metric type and dimensions would exceed the tenant's budget."""

    kind = Kind.RESOURCE_EXHAUSTED
    reason = "SERIES_BUDGET_EXCEEDED"


class IngestQueueFull(AnalyticsError):
    """The queue of rows waiting for their commit is full."""

    kind = Kind.RESOURCE_EXHAUSTED
    reason = "INGEST_QUEUE_FULL"


class SequenceNotGrowing(AnalyticsError):
    """A batch of a metric stream carries a sequence that is not above the one before."""

    kind = Kind.INVALID_ARGUMENT
    reason = "SEQUENCE_NOT_GROWING"


class TooManyValues(AnalyticsError):
    """An exact percentile would read more raw rows than the stated limit."""

    kind = Kind.FAILED_PRECONDITION
    reason = "TOO_MANY_VALUES"


class RawPointsExpired(AnalyticsError):
    """The answer needs raw rows from before the retention of raw rows."""

    kind = Kind.FAILED_PRECONDITION
    reason = "RAW_POINTS_EXPIRED"


class ResumeExpired(AnalyticsError):
    """The feed no longer holds everything since the resume token; start again without one."""

    kind = Kind.OUT_OF_RANGE
    reason = "RESUME_EXPIRED"


class ResumeTokenInvalid(AnalyticsError):
    """The resume token is damaged or belongs to another tenant or venue."""

    kind = Kind.INVALID_ARGUMENT
    reason = "RESUME_TOKEN_INVALID"


class TooManySubscribers(AnalyticsError):
    """This process already serves as many streams as it may."""

    kind = Kind.RESOURCE_EXHAUSTED
    reason = "TOO_MANY_SUBSCRIBERS"


class EventNotFound(AnalyticsError):
    """The venue has no such event (show)."""

    kind = Kind.NOT_FOUND
    reason = "EVENT_NOT_FOUND"


class TooManyEvents(AnalyticsError):
    """A venue has more shows to come than one answer holds."""

    kind = Kind.FAILED_PRECONDITION
    reason = "TOO_MANY_EVENTS"


class CounterOverflow(AnalyticsError):
    """An increment would take a counter out of 32 bits."""

    kind = Kind.OUT_OF_RANGE
    reason = "COUNTER_OVERFLOW"


class ProjectionsBusy(AnalyticsError):
    """As many projections as may wait are waiting already."""

    kind = Kind.RESOURCE_EXHAUSTED
    reason = "PROJECTIONS_BUSY"


class TooManyGroups(AnalyticsError):
    """An answer by labels has more label sets than one answer holds."""

    kind = Kind.FAILED_PRECONDITION
    reason = "TOO_MANY_GROUPS"


class SeriesExpired(AnalyticsError):
    """The answer needs figures of series from before the retention of rollups."""

    kind = Kind.FAILED_PRECONDITION
    reason = "SERIES_EXPIRED"
