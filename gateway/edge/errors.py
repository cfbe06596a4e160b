"""Refusals of the edge's own."""

from libs.common.errors import AnalyticsError, Kind


class NotReady(AnalyticsError):
    """The mesh is starting, draining, or lacks a dependency that requests need; metadata names them."""

    kind = Kind.UNAVAILABLE
    reason = "NOT_READY"
