"""This service's own identity: short-lived internal tokens signed with its key."""

import time
from collections import OrderedDict
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import jwt

from libs.common.auth.keys import load_private_key, public_jwk, signature_algorithm
from libs.common.context import Caller, TenantScope

_REMEMBERED = 4096
_LIFETIME = timedelta(seconds=60)
_Claims = dict[str, object]


class IdentityIssuer:
    """Signs internal tokens: `iss` and `act.sub` are the service, the rest says for whom it acts.

    Args:
        service: Name of this service, the owner of the key in the internal JWKS.
        key_path: PEM private key.
        audience: The deployment's audience.
    """

    def __init__(self, service: str, key_path: str | Path, audience: str) -> None:
        key = load_private_key(Path(key_path))
        self.service = service
        self._key = key
        self._algorithm = signature_algorithm(key)
        self._key_id = str(public_jwk(key)["kid"])
        self._audience = audience
        self._remembered: OrderedDict[tuple[object, ...], tuple[str, float]] = OrderedDict()

    def token(
        self,
        tenant_id: UUID,
        permissions: Collection[str],
        venue_ids: Collection[UUID] | None = None,
        ttl: timedelta = _LIFETIME,
        *,
        subject: str | None = None,
    ) -> str:
        """A signed token; the same one again while at least half of its lifetime is left.

        Args:
            tenant_id: The tenant the service acts for.
            permissions: What the token allows.
            venue_ids: Venue grant; None means every venue of the tenant.
            ttl: Lifetime.
            subject: On whose behalf; the service itself when not given.
        """
        granted = None if venue_ids is None else frozenset(venue_ids)
        wanted = (tenant_id, frozenset(permissions), granted, ttl, subject)
        now = time.time()
        known = self._remembered.get(wanted)
        if known is not None and now < known[1]:
            self._remembered.move_to_end(wanted)
            return known[0]
        claims = self._claims(TenantScope(tenant_id, granted), permissions, subject) | {
            "iat": int(now),
            "exp": int(now + ttl.total_seconds()),
        }
        token = jwt.encode(claims, self._key, self._algorithm, headers={"kid": self._key_id})
        self._remembered[wanted] = (token, now + ttl.total_seconds() / 2)
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        return token

    def token_for(self, caller: Caller) -> str:
        """A token that lets another service do this caller's work, and no more than the caller may."""
        scope = caller.scope
        return self.token(scope.tenant_id, caller.permissions, scope.venue_ids, subject=caller.subject)

    def caller(self, scope: TenantScope, permissions: Collection[str]) -> Caller:
        """The service itself as a caller, for consumers and jobs: `with acting_as(identity.caller(...))`."""
        return Caller(
            subject=f"service:{self.service}",
            scope=scope,
            permissions=frozenset(permissions),
            expires_at=datetime.now(UTC) + _LIFETIME,
            token_id=f"self:{uuid4().hex[:12]}",
            actor=self.service,
        )

    def _claims(self, scope: TenantScope, permissions: Collection[str], subject: str | None) -> _Claims:
        claims: _Claims = {
            "iss": self.service,
            "aud": self._audience,
            "sub": subject or f"service:{self.service}",
            "act": {"sub": self.service},
            "tenant_id": str(scope.tenant_id),
            "permissions": sorted(permissions),
        }
        if scope.venue_ids is not None:
            claims["venue_ids"] = sorted(map(str, scope.venue_ids))
        return claims
