"""Refusals of the customers service; each reason is named in a comment of its contract."""

from libs.common.errors import AnalyticsError, Kind


class CustomerNotFound(AnalyticsError):
    """The venue, or the tenant, knows no such customer; or the token's grant does not reach them."""

    kind = Kind.NOT_FOUND
    reason = "CUSTOMER_NOT_FOUND"


class TooFewPaths(AnalyticsError):
    """A data-driven model would estimate from fewer paths than the stated minimum."""

    kind = Kind.FAILED_PRECONDITION
    reason = "TOO_FEW_PATHS"


class SearchTooBroad(AnalyticsError):
    """More people have a word that begins like this than one search reads."""

    kind = Kind.FAILED_PRECONDITION
    reason = "SEARCH_TOO_BROAD"


class ErasureNotFound(AnalyticsError):
    """The tenant has no such erasure."""

    kind = Kind.NOT_FOUND
    reason = "ERASURE_NOT_FOUND"


class DatasetTooLarge(AnalyticsError):
    """An extract would hold more customers than one answer does."""

    kind = Kind.FAILED_PRECONDITION
    reason = "DATASET_TOO_LARGE"


class DatasetsBusy(AnalyticsError):
    """As many extracts as may are being calculated."""

    kind = Kind.RESOURCE_EXHAUSTED
    reason = "DATASETS_BUSY"


class CampaignNotFound(AnalyticsError):
    """The tenant has no such campaign, or it belongs to a venue that the token does not grant."""

    kind = Kind.NOT_FOUND
    reason = "CAMPAIGN_NOT_FOUND"


class EtagMismatch(AnalyticsError):
    """Somebody changed the thing since the caller read it."""

    kind = Kind.ABORTED
    reason = "ETAG_MISMATCH"


class StatusNotAllowed(AnalyticsError):
    """The status may not follow the present one."""

    kind = Kind.FAILED_PRECONDITION
    reason = "STATUS_NOT_ALLOWED"


class TooManyTouchpoints(AnalyticsError):
    """A time has more touchpoints or purchases than are read at once."""

    kind = Kind.FAILED_PRECONDITION
    reason = "TOO_MANY_TOUCHPOINTS"


class AttributionBusy(AnalyticsError):
    """As many attributions as may are waiting to be calculated."""

    kind = Kind.RESOURCE_EXHAUSTED
    reason = "ATTRIBUTION_BUSY"


class ModelNotFitted(AnalyticsError):
    """No run has fitted models for the venue yet; the first one follows the first night with purchases."""

    kind = Kind.FAILED_PRECONDITION
    reason = "MODEL_NOT_FITTED"


class ModelNotIdentifiable(AnalyticsError):
    """The data do not fix the parameters of any model: its likelihood is flat, or rises up to a boundary."""

    kind = Kind.FAILED_PRECONDITION
    reason = "MODEL_NOT_IDENTIFIABLE"


class InsightNotFound(AnalyticsError):
    """The tenant has no such finding, or it is about a venue that the token's grant does not reach."""

    kind = Kind.NOT_FOUND
    reason = "INSIGHT_NOT_FOUND"


class InsightExpired(AnalyticsError):
    """The finding's time is over, so that nobody can dismiss it or act on it."""

    kind = Kind.FAILED_PRECONDITION
    reason = "INSIGHT_EXPIRED"


class SegmentNotFound(AnalyticsError):
    """There is no segment of scores with this name, and the tenant made none for the venue."""

    kind = Kind.NOT_FOUND
    reason = "SEGMENT_NOT_FOUND"


class SegmentExists(AnalyticsError):
    """The tenant has a segment of this name for the venue."""

    kind = Kind.ALREADY_EXISTS
    reason = "SEGMENT_EXISTS"


class TooManySegments(AnalyticsError):
    """The tenant has as many segments for the venue as may be."""

    kind = Kind.FAILED_PRECONDITION
    reason = "TOO_MANY_SEGMENTS"


class RebuildInProgress(AnalyticsError):
    """The tenant's read models are being made anew: what is computed from half of them would be wrong."""

    kind = Kind.UNAVAILABLE
    reason = "REBUILD_IN_PROGRESS"


class RefreshIncomplete(AnalyticsError):
    """Findings of some venues could not be refreshed in a tenant's nightly run, which comes back to them."""

    kind = Kind.UNAVAILABLE
    reason = "REFRESH_INCOMPLETE"


class TooManyCustomers(AnalyticsError):
    """Several venues have more customers than are compared with each other for one call."""

    kind = Kind.FAILED_PRECONDITION
    reason = "TOO_MANY_CUSTOMERS"
