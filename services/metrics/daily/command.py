"""`check-daily`: compares the daily tables with the facts now, tenant by tenant, and repairs them."""

import argparse
import sys
from contextlib import closing
from datetime import UTC, datetime
from uuid import UUID

from tqdm import tqdm

from libs.common.bus.consumer import service_caller
from libs.common.context import TenantScope, acting_as
from libs.common.postgres.database import Database
from services.metrics.daily.check import DailyCheck
from services.metrics.daily.check_store import select_tenants
from services.metrics.settings import MetricsSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the verb's parser its options."""
    parser.add_argument("--tenant", type=UUID, action="append", help="only this tenant; may be repeated")
    parser.add_argument("--whole", action="store_true", help="old months, too, whenever they were compared")
    parser.add_argument(
        "--since",
        type=_moment,
        help="go on with a check begun then (ISO 8601, with offset): leaves out what was compared since",
    )


async def run(settings: MetricsSettings, arguments: argparse.Namespace) -> int:
    """Carry out a parsed command; returns the exit code: 0, also after repairs."""
    begun = arguments.since or datetime.now(UTC)
    _say(f"checking since {begun.isoformat()}")
    app = Database.connect(settings.database_url.get_secret_value(), application_name="metrics-check-daily")
    try:
        for tenant_id in arguments.tenant or await _tenants(settings):
            with acting_as(service_caller("metrics", tenant_id)):
                await _check(DailyCheck(app), tenant_id, begun, whole=arguments.whole)
    finally:
        await app.close()
    return 0


async def _check(check: DailyCheck, tenant_id: UUID, begun: datetime, *, whole: bool) -> None:
    compared = repaired = 0
    with closing(tqdm(desc=f"tenant {tenant_id}", unit=" months", disable=not sys.stderr.isatty())) as bar:
        async for month in check.run(TenantScope(tenant_id), due_at=begun, whole=whole):
            bar.total = month.total
            bar.update()
            compared += 1
            repaired += month.repaired_row_count
            if month.repaired_row_count:
                _say(
                    f"  venue {month.venue_id} {month.month:%Y-%m}: repaired {month.repaired_row_count} rows"
                )
    _say(f"tenant {tenant_id}: compared {compared} months, repaired {repaired} rows")


async def _tenants(settings: MetricsSettings) -> list[UUID]:
    worker = Database.connect(
        settings.worker_database_url.get_secret_value(), application_name="metrics-check-daily", pool_size=1
    )
    try:
        async with worker.infrastructure() as conn:
            return await select_tenants(conn)
    finally:
        await worker.close()


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("needs an offset, such as +00:00")
    return moment


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
