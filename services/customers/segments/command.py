"""`score`: scores customers anew now, tenant by tenant, and shows how far it is."""

import argparse
import sys
from contextlib import closing
from datetime import UTC, datetime
from uuid import UUID

from tqdm import tqdm

from libs.common import redis
from libs.common.bus.consumer import service_caller
from libs.common.cache.cache import Cache
from libs.common.context import TenantScope, acting_as
from libs.common.postgres.database import Database
from libs.common.sealing import derive_key
from services.customers.errors import RebuildInProgress
from services.customers.rfm.place import WHOLE_TENANT
from services.customers.rfm.rescoring import Rescoring
from services.customers.rfm.running import ScoredPlace
from services.customers.rfm.runs import ScoringRuns
from services.customers.rfm.schedule import scored_tenants
from services.customers.segments.members import Members
from services.customers.settings import CustomersSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the verb's parser its options."""
    parser.add_argument("--tenant", type=UUID, action="append", help="only this tenant; may be repeated")


async def run(settings: CustomersSettings, arguments: argparse.Namespace) -> int:
    """Carry out a parsed command; returns the exit code, 1 when a tenant could not be scored now."""
    app = Database.connect(settings.database_url.get_secret_value(), application_name="customers-score")
    client = redis.connect(settings.redis_url.get_secret_value(), application_name="customers-score")
    cache = Cache(client, service="customers", key=derive_key(settings.identity_key_path, "cache"))
    window_days = settings.rfm_window_days or None
    runs = ScoringRuns(app, cache, Members(), window_days=window_days)
    rescoring = Rescoring(app, cache, Members(), window_days=window_days)
    code = 0
    try:
        for tenant_id in arguments.tenant or await _tenants(settings):
            with acting_as(service_caller("customers", tenant_id)):
                try:
                    await _score(runs, TenantScope(tenant_id))
                    await rescoring.catch_up(TenantScope(tenant_id))
                except RebuildInProgress as error:
                    sys.stderr.write(f"tenant {tenant_id}: {error}\n")
                    code = 1
    finally:
        await client.aclose()
        await app.close()
    return code


async def _score(runs: ScoringRuns, scope: TenantScope) -> None:
    places: list[ScoredPlace] = []
    with closing(
        tqdm(desc=f"tenant {scope.tenant_id}", unit=" places", disable=not sys.stderr.isatty())
    ) as bar:

        def tell(place: ScoredPlace) -> None:
            bar.total = place.total
            bar.update()
            places.append(place)

        await runs.run(scope, as_of=datetime.now(UTC), tell=tell)
    for place in places:
        name = "all venues" if place.venue_id == WHOLE_TENANT else f"venue {place.venue_id}"
        _say(
            f"  {name}: {place.customer_count} customers,"
            f" {place.changed_count} rows changed, {place.move_count} moves"
        )
    _say(f"tenant {scope.tenant_id}: scored {len(places)} places")


async def _tenants(settings: CustomersSettings) -> list[UUID]:
    worker = Database.connect(
        settings.worker_database_url.get_secret_value(), application_name="customers-score", pool_size=1
    )
    try:
        async with worker.infrastructure() as conn:
            return await scored_tenants(conn)
    finally:
        await worker.close()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
