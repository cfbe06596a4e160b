"""Passwords and signing keys of one stack, made when first needed and kept in its folder."""

import json
import secrets
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt

from deploy.local.data_folder import DataFolder, write_private
from libs.common.auth.keys import load_private_key, public_jwk

ISSUER = "https://tickettoken.local/dev"
AUDIENCE = "tickettoken-analytics"
DEMO_TENANT = UUID("7e4a57a0-0000-4000-8000-000000000001")
PERMISSIONS = tuple(
    f"analytics.{verb}"
    for verb in ("read", "write", "delete", "export", "share", "admin", "pii", "privacy", "ingest", "notify")
)


class Credentials:
    """Secrets of a stack. Keys lie in `keys/`, passwords in `credentials.json`, both for their owner only."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self._passwords: dict[str, str] = {}
        if folder.credentials_file.exists():
            self._passwords = json.loads(folder.credentials_file.read_text())
        self.jwks = folder.keys / "jwks.json"
        self.internal_jwks = folder.keys / "internal-jwks.json"
        self._user_key = folder.keys / "jwt-signing.pem"

    def password(self, name: str) -> str:
        """The password of that name; a new one the first time."""
        if name not in self._passwords:
            self._passwords[name] = secrets.token_urlsafe(24)
            write_private(self._folder.credentials_file, json.dumps(self._passwords, indent=2))
        return self._passwords[name]

    def identity_key(self, service: str) -> str:
        """Path of the key that signs the service's internal tokens."""
        return str(self._folder.keys / f"internal-{service}.pem")

    def has_keys(self, services: Collection[str]) -> bool:
        """Whether the users' key and those of all these services were made before."""
        wanted = [self._user_key, self.jwks, self.internal_jwks]
        wanted += [self._folder.keys / f"internal-{service}.pem" for service in services]
        return all(path.exists() for path in wanted)

    def user_token(
        self,
        tenant_id: UUID = DEMO_TENANT,
        *,
        permissions: Collection[str] = PERMISSIONS,
        venue_ids: Collection[UUID] | None = None,
        lifetime: timedelta = timedelta(hours=12),
        subject: str = "developer",
    ) -> str:
        """A token that the stack accepts as a user's.

        Raises:
            FileNotFoundError: The stack was never started, so there is no key.
        """
        key = load_private_key(self._user_key)
        now = datetime.now(UTC)
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "tenant_id": str(tenant_id),
            "permissions": list(permissions),
            "iat": now,
            "exp": now + lifetime,
        }
        if venue_ids is not None:
            claims["venue_ids"] = [str(venue_id) for venue_id in venue_ids]
        return jwt.encode(claims, key, "RS256", headers={"kid": str(public_jwk(key)["kid"])})
