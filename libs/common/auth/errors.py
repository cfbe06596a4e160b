"""Refusals of credentials. Their texts never repeat what the token said."""

from libs.common.errors import AnalyticsError, Kind


class TokenMissing(AnalyticsError):
    """The call carries no bearer token."""

    kind = Kind.UNAUTHENTICATED
    reason = "TOKEN_MISSING"


class TokenInvalid(AnalyticsError):
    """The token is malformed, not signed by a trusted key, or lacks a claim that is required."""

    kind = Kind.UNAUTHENTICATED
    reason = "TOKEN_INVALID"


class TokenExpired(AnalyticsError):
    """The token's time is over; streams end with it too."""

    kind = Kind.UNAUTHENTICATED
    reason = "TOKEN_EXPIRED"


class AudienceMismatch(AnalyticsError):
    """The token was issued for another audience."""

    kind = Kind.UNAUTHENTICATED
    reason = "AUDIENCE_MISMATCH"


class IssuerMismatch(AnalyticsError):
    """The token was issued by somebody this deployment does not trust."""

    kind = Kind.UNAUTHENTICATED
    reason = "ISSUER_MISMATCH"


class PermissionMissing(AnalyticsError):
    """The token lacks a permission that the method requires."""

    kind = Kind.PERMISSION_DENIED
    reason = "PERMISSION_MISSING"


class ServiceIdentityRequired(AnalyticsError):
    """Only services call this method, with their own identity token."""

    kind = Kind.PERMISSION_DENIED
    reason = "SERVICE_IDENTITY_REQUIRED"


class KeysUnavailable(AnalyticsError):
    """The signing keys cannot be read now, so no token can be verified."""

    kind = Kind.UNAVAILABLE
    reason = "SIGNING_KEYS_UNAVAILABLE"
