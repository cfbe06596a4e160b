"""A service that finds another schema than its own lives, says what to run, and is ready once it was done."""

import asyncio
import subprocess
import sys
from pathlib import Path

import asyncpg
import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deploy.local.ports import free_port
from libs.common.postgres.migrate import run_migrations
from libs.common.postgres.schema import newest_revision
from tests.servers.service_process import ServiceProcess
from tests.servers.waiting import eventually

SERVICES = sorted(folder.parent.name for folder in Path("services").glob("*/migrations"))


@pytest.fixture
async def one_behind(request, postgres_server):
    """A database to which a service's last migration is still to come."""
    service = await postgres_server.create_database(request.param)
    last = newest_revision(f"services.{request.param}")
    await run_migrations(f"services.{request.param}", service.owner_url, revision=f"{int(last) - 1:04}")
    yield service
    await postgres_server.drop_database(service)


@pytest.fixture
def process(one_behind, redis_url, mongo_url, tmp_path):
    process = ServiceProcess(
        tmp_path,
        one_behind,
        redis_url=redis_url,
        mongo_url=mongo_url,
        owner_database_url=one_behind.owner_url,
    )
    yield process
    process.stop()


@pytest.mark.parametrize("one_behind", SERVICES, indirect=True)
async def test_no_service_gets_ready_before_its_database_has_its_schema(one_behind, process):
    package = f"services.{one_behind.service}"
    newest = newest_revision(package)
    previous = f"{int(newest) - 1:04}"
    await _pretend(one_behind, "9999")

    process.spawn()
    await eventually(lambda: "SCHEMA_AHEAD" in process.log, within_seconds=60)
    while_ahead = await _health(process)
    await _pretend(one_behind, previous)
    await eventually(lambda: "SCHEMA_BEHIND" in process.log, within_seconds=60)
    while_behind = await _health(process)
    migrated = await asyncio.to_thread(_migrate, process)

    await eventually(lambda: '"event": "serving"' in process.log, within_seconds=60)
    assert (while_ahead, while_behind) == (("SERVING", "NOT_SERVING"), ("SERVING", "NOT_SERVING"))
    assert migrated == 0
    assert await _health(process) == ("SERVING", "SERVING")
    assert (
        f"not ready: the database has migrations up to 9999 and this version knows them up to {newest}:"
        f" run `python -m {package}` of the version that migrated it" in process.log
    )
    sentence = (
        f"not ready: the database has migrations up to {previous} and this version needs {newest}:"
        f" run `python -m {package} migrate`"
    )
    assert process.log.count(sentence) == 1


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_waits_for_a_database_that_is_away_and_ends_in_order(
    service, postgres_server, redis_url, mongo_url, tmp_path
):
    database = await postgres_server.create_database(service)
    away = f"postgresql://nobody:x@127.0.0.1:{free_port()}/x"
    process = ServiceProcess(
        tmp_path, database, redis_url=redis_url, mongo_url=mongo_url, database_url=away
    ).spawn()

    await eventually(lambda: "not ready: the database is not reachable" in process.log, within_seconds=60)
    meanwhile = await _health(process)
    await asyncio.to_thread(process.stop)

    assert meanwhile == ("SERVING", "NOT_SERVING")
    assert '"event": "stopped"' in process.log
    await postgres_server.drop_database(database)


def _migrate(process) -> int:
    """The exit code of the command that the sentence names."""
    command = [sys.executable, "-m", f"services.{process.service}", "migrate"]
    return subprocess.run(command, env=process.environment, timeout=100, check=False).returncode


async def _pretend(database, revision: str) -> None:
    """Write down another last migration than the one that was run."""
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("update alembic_version set version_num = $1", revision)
    await owner.close()


async def _health(process) -> tuple[str, str]:
    """Whether the process lives, and whether it is ready."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{process.probe_port}") as channel:
        health = health_pb2_grpc.HealthStub(channel)
        answers = await asyncio.gather(
            *(
                health.Check(health_pb2.HealthCheckRequest(service=name), timeout=10)
                for name in ("live", "ready")
            )
        )
    return tuple(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status) for answer in answers)
