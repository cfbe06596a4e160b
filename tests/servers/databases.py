"""One PostgreSQL server for the test session and fresh databases on it."""

import secrets
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from deploy.local.ports import free_port
from deploy.local.servers import Postgres
from libs.common.postgres.migrate import run_migrations
from libs.common.postgres.roles import RolePasswords, provision, role_url

# Tests kill services, never this server: its own durability is not what they look at.
_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300"}


@dataclass(frozen=True, slots=True)
class ServiceDatabase:
    """A fresh database of one service and the URLs of its roles."""

    name: str
    service: str
    admin_url: str
    owner_url: str
    app_url: str
    worker_url: str


@dataclass(slots=True)
class PostgresServer:
    """The running server; roles belong to the whole server, so every database of a service shares them."""

    server: Postgres
    passwords: RolePasswords

    @property
    def admin_url(self) -> str:
        return self.server.url()

    async def create_database(self, service: str = "metrics", *, migrated: bool = False) -> ServiceDatabase:
        """A new database with the roles `<service>_owner`, `_app`, `_worker` and `_refresh`.

        Args:
            service: Prefix of the roles.
            migrated: Also run the migrations of `services.<service>`.
        """
        name = f"{service}_{secrets.token_hex(4)}"
        await provision(self.admin_url, service=service, database=name, passwords=self.passwords)
        database = ServiceDatabase(
            name=name,
            service=service,
            admin_url=self.server.url(name),
            owner_url=self._role_url(name, f"{service}_owner", self.passwords.owner),
            app_url=self._role_url(name, f"{service}_app", self.passwords.app),
            worker_url=self._role_url(name, f"{service}_worker", self.passwords.worker),
        )
        if migrated:
            await run_migrations(f"services.{service}", database.owner_url)
        return database

    async def drop_database(self, database: ServiceDatabase) -> None:
        """Remove it, and end the connections that are still open."""
        admin = await asyncpg.connect(self.admin_url)
        try:
            await admin.execute(f'drop database if exists "{database.name}" with (force)')
        finally:
            await admin.close()

    def stop(self) -> None:
        self.server.stop()

    def start(self) -> None:
        self.server.start()

    def _role_url(self, database: str, role: str, password: str) -> str:
        return role_url(self.admin_url, role=role, password=password, database=database)


def start_postgres(folder: Path) -> PostgresServer:
    server = Postgres(
        folder, port=free_port(), password=secrets.token_urlsafe(24), settings=_SETTINGS
    ).start()
    made = [secrets.token_urlsafe(24) for _ in range(3)]
    return PostgresServer(server, RolePasswords(owner=made[0], app=made[1], worker=made[2]))
