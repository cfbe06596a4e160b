"""Refusals of the edge's own."""

from libs.common.errors import AnalyticsError, Kind


class NotReady(AnalyticsError):
    """The mesh is starting, draining, or lacks a dependency that requests need; metadata names them."""

    kind = Kind.UNAVAILABLE
    reason = "NOT_READY"


class NoSuchPage(AnalyticsError):
    """The edge has nothing at this path."""

    kind = Kind.NOT_FOUND
    reason = "ROUTE_NOT_FOUND"


class OriginRefused(AnalyticsError):
    """A browser asks for a page of an origin that may not follow feeds."""

    kind = Kind.PERMISSION_DENIED
    reason = "ORIGIN_REFUSED"


class TooManySockets(AnalyticsError):
    """This process serves as many WebSockets as it may."""

    kind = Kind.RESOURCE_EXHAUSTED
    reason = "TOO_MANY_SOCKETS"
