"""One PostgreSQL server for the test session and fresh databases on it."""

import secrets
from dataclasses import dataclass, field
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
    _migrated: set[str] = field(default_factory=set)

    @property
    def admin_url(self) -> str:
        return self.server.url()

    async def create_database(self, service: str = "metrics", *, migrated: bool = False) -> ServiceDatabase:
        """A new database with the roles `<service>_owner`, `_app`, `_worker` and `_refresh`.

        Args:
            service: Prefix of the roles.
            migrated: With the schema of `services.<service>`.
        """
        name = f"{service}_{secrets.token_hex(4)}"
        if migrated:
            await self._copy_of_migrated(service, name)
        await provision(self.admin_url, service=service, database=name, passwords=self.passwords)
        return ServiceDatabase(
            name=name,
            service=service,
            admin_url=self.server.url(name),
            owner_url=self._role_url(name, f"{service}_owner", self.passwords.owner),
            app_url=self._role_url(name, f"{service}_app", self.passwords.app),
            worker_url=self._role_url(name, f"{service}_worker", self.passwords.worker),
        )

    async def drop_database(self, database: ServiceDatabase) -> None:
        """Remove it, and end the connections that are still open."""
        await self._administrate(f'drop database if exists "{database.name}" with (force)')

    async def _copy_of_migrated(self, service: str, name: str) -> None:
        """Copying a migrated database is much quicker than migrating again."""
        template = f"{service}_template"
        if service not in self._migrated:
            await provision(self.admin_url, service=service, database=template, passwords=self.passwords)
            owner_url = self._role_url(template, f"{service}_owner", self.passwords.owner)
            await run_migrations(f"services.{service}", owner_url)
            self._migrated.add(service)
        await self._administrate(f'create database "{name}" template "{template}" owner "{service}_owner"')

    async def _administrate(self, statement: str) -> None:
        admin = await asyncpg.connect(self.admin_url)
        try:
            await admin.execute(statement)
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
