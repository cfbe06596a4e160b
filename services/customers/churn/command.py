"""`fit`: fits the models of lifetime value and then those of churn anew now, tenant by tenant."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from tqdm import tqdm

from libs.common import redis
from libs.common.bus.consumer import service_caller
from libs.common.cache.cache import Cache
from libs.common.context import TenantScope, acting_as
from libs.common.postgres.database import Connection, Database
from libs.common.sealing import derive_key
from services.customers.churn.options import ChurnOptions
from services.customers.churn.runs import ChurnReport, ChurnRuns
from services.customers.errors import RebuildInProgress
from services.customers.lifetime.runs import LifetimeReport, LifetimeRuns, RunOptions
from services.customers.lifetime.schedule import FIT_ID
from services.customers.models.entry import WHOLE_TENANT
from services.customers.models.process import Progress
from services.customers.segments.members import Members
from services.customers.settings import CustomersSettings

# Grain: one tenant whose models are fitted nightly, for the worker role: job_schedules has a row for each.
_TENANTS = "select tenant_id from job_schedules where id = $1 order by tenant_id"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the verb's parser its options."""
    parser.add_argument("--tenant", type=UUID, action="append", help="only this tenant; may be repeated")
    parser.add_argument(
        "--as-of",
        type=_moment,
        help="observe the days that were over then (ISO 8601, with offset) instead of now",
    )


async def run(settings: CustomersSettings, arguments: argparse.Namespace) -> int:
    """Carry out a parsed command; returns the exit code, 1 when a tenant's models could not be fitted now."""
    app = Database.connect(settings.database_url.get_secret_value(), application_name="customers-fit")
    client = redis.connect(settings.redis_url.get_secret_value(), application_name="customers-fit")
    cache = Cache(client, service="customers", key=derive_key(settings.identity_key_path, "cache"))
    lifetime = LifetimeRuns(app, cache, RunOptions.of(settings))
    churn = ChurnRuns(app, cache, Members(), ChurnOptions.of(settings))
    code = 0
    try:
        for tenant_id in arguments.tenant or await _tenants(settings):
            with acting_as(service_caller("customers", tenant_id)):
                try:
                    await _fit(lifetime, churn, TenantScope(tenant_id), arguments.as_of)
                except RebuildInProgress as error:
                    sys.stderr.write(f"tenant {tenant_id}: {error}\n")
                    code = 1
    finally:
        await client.aclose()
        await app.close()
    return code


async def _fit(lifetime: LifetimeRuns, churn: ChurnRuns, scope: TenantScope, as_of: datetime | None) -> None:
    with _bar(f"tenant {scope.tenant_id}") as progress:
        valued = await lifetime.run(scope, as_of=as_of, progress=progress)
    _say(f"tenant {scope.tenant_id}: {valued.row_count} values")
    for line in _lines(valued):
        _say(line)
    with _bar(f"tenant {scope.tenant_id}, churn") as progress:
        foretold = await churn.run(scope, as_of=as_of, progress=progress)
    _say(f"tenant {scope.tenant_id}: churn of {foretold.row_count} customers of places")
    for line in _churn_lines(foretold):
        _say(line)


@contextmanager
def _bar(title: str) -> Iterator[Progress]:
    """Shows how far a run is, to somebody who looks."""
    with tqdm(total=100, desc=title, unit="%", disable=not sys.stderr.isatty()) as bar:

        def progress(stage: str, share: float) -> None:
            bar.set_postfix_str(stage)
            bar.update(round(100 * share) - bar.n)

        yield progress


def _lines(report: LifetimeReport) -> list[str]:
    """What serves each venue, or why nothing does."""
    serving = {
        entry.venue_id: entry for entry in report.entries if entry.kind == "purchases" and entry.is_serving
    }
    lines = []
    for place in report.places:
        entry = serving.get(place.venue_id)
        what = f"{place.refusal}: {place.refusal_message}"
        if entry is not None:
            what = f"{entry.name} of the {entry.fitted_on}"
        lines.append(f"  {_name(place.venue_id)}: {place.customer_count} customers, {what}")
    return lines


def _churn_lines(report: ChurnReport) -> list[str]:
    """The same of churn."""
    return [
        f"  {_name(place.venue_id)}: churn by {place.model}"
        if place.model is not None
        else f"  {_name(place.venue_id)}: no churn, {place.refusal}: {place.refusal_message}"
        for place in report.places
    ]


def _name(venue_id: UUID) -> str:
    return "all venues" if venue_id == WHOLE_TENANT else f"venue {venue_id}"


async def _tenants(settings: CustomersSettings) -> list[UUID]:
    worker = Database.connect(
        settings.worker_database_url.get_secret_value(), application_name="customers-fit", pool_size=1
    )
    try:
        async with worker.infrastructure() as conn:
            return await _select_tenants(conn)
    finally:
        await worker.close()


async def _select_tenants(conn: Connection) -> list[UUID]:
    return [row["tenant_id"] for row in await conn.fetch(_TENANTS, FIT_ID)]


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("needs an offset, such as +00:00")
    return moment


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
