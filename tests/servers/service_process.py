"""A domain service as a process of its own, for tests that talk to it over gRPC or kill it."""

from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Self
from uuid import UUID

from deploy.local.credentials import AUDIENCE, ISSUER, PERMISSIONS, Credentials
from deploy.local.data_folder import DataFolder
from deploy.local.ports import free_port
from deploy.local.programs import Program
from deploy.provision import make_keys
from libs.common.auth.identity import IdentityIssuer
from tests.servers.databases import ServiceDatabase


class ServiceProcess:
    """One replica; several may share stores and keys, also those of different services.

    Args:
        folder: Its keys and log.
        database: The service's migrated database, which says which service it is.
        redis_url: Redis.
        mongo_url: MongoDB.
        settings: More settings, by name.
        command: "all", "serve" or "work".
    """

    def __init__(
        self,
        folder: Path,
        database: ServiceDatabase,
        *,
        redis_url: str,
        mongo_url: str,
        command: str = "all",
        **settings: object,
    ) -> None:
        service = database.service
        self.folder = folder
        self.service = service
        self._data = DataFolder(folder)
        self._data.create()
        self.credentials = Credentials(self._data)
        if not self._identity_key.exists():
            make_keys(self._data.keys, {"metrics", "customers", service})
        self.port = free_port()
        self.probe_port = free_port()
        values = {
            "listen_address": f"127.0.0.1:{self.port}",
            "probe_address": f"127.0.0.1:{self.probe_port}",
            "jwks": self.credentials.jwks,
            "internal_jwks": self.credentials.internal_jwks,
            "jwt_issuer": ISSUER,
            "jwt_audience": AUDIENCE,
            "identity_key_path": self._identity_key,
            "redis_url": redis_url,
            "bus_url": redis_url,
            "mongo_url": mongo_url,
            "database_url": database.app_url,
            "worker_database_url": database.worker_url,
            "drain_seconds": 3,
        } | settings
        self.environment = {f"{service}_{name}".upper(): str(value) for name, value in values.items()}
        self._program = Program(
            service,
            [f"services.{service}", command],
            port=self.port,
            environment=self.environment,
            log=self._data.logs / f"{service}-{self.port}.log",
        )

    @property
    def _identity_key(self) -> Path:
        return Path(self.credentials.identity_key(self.service))

    @property
    def log(self) -> str:
        """What it has written so far."""
        return self._program.log.read_text()

    def start(self) -> Self:
        self._program.start()
        return self

    def spawn(self) -> Self:
        """Start it without waiting until it takes calls."""
        self._program.spawn()
        return self

    def stop(self) -> None:
        """SIGTERM: an orderly end."""
        self._program.stop()

    def kill(self) -> None:
        """SIGKILL."""
        self._program.process.kill()

    def token(
        self,
        tenant_id: UUID,
        *,
        permissions: Collection[str] = PERMISSIONS,
        venue_ids: Collection[UUID] | None = None,
        lifetime: timedelta = timedelta(hours=1),
    ) -> str:
        return self.credentials.user_token(
            tenant_id, permissions=permissions, venue_ids=venue_ids, lifetime=lifetime
        )

    def service_token(self, tenant_id: UUID, *, venue_ids: Collection[UUID] | None = None) -> str:
        """A token of the service's own identity, for internal methods."""
        issuer = IdentityIssuer(self.service, str(self._identity_key), AUDIENCE)
        return issuer.token(tenant_id, PERMISSIONS, venue_ids)
