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
