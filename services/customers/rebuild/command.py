"""`replay`: makes a tenant's read models anew from the raw events that the metrics service keeps."""

import argparse
import sys
from contextlib import aclosing, closing
from functools import partial
from typing import Final, NoReturn
from uuid import UUID

from tqdm import tqdm

from libs.common.bus.consumer import service_caller
from libs.common.context import TenantScope, acting_as
from libs.common.errors import AnalyticsError
from libs.common.postgres.database import Database
from services.customers.behavior import consumer as behavior_queue
from services.customers.document_queues import behavior_of, touchpoints_of
from services.customers.engines import SERVICE, Engines
from services.customers.read_models.consumer import ReadModels
from services.customers.rebuild.rebuild import Rebuild, RebuildRefused, Step
from services.customers.rebuild.refill import refill
from services.customers.rebuild.source import RawEvents
from services.customers.settings import CustomersSettings
from services.customers.touchpoints import consumer as touchpoints_queue

_STATEMENT_SECONDS: Final = 600
_LOCK_SECONDS: Final = 60
_LINE_EVENTS: Final = 20_000
_say = partial(print, flush=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the verb's parser its options."""
    parser.add_argument("--tenant", type=UUID, action="append", required=True, help="may be repeated")
    parser.add_argument(
        "--documents",
        action="store_true",
        help="bring sessions and touchpoints up to the raw events instead; read models stay as they are",
    )
    parser.add_argument(
        "--beyond-retention",
        action="store_true",
        help="also where raw events have expired: facts that only they told are lost",
    )


async def run(settings: CustomersSettings, arguments: argparse.Namespace) -> int:
    """Carry out a parsed command; returns the exit code."""
    engines = Engines(settings)
    if engines.metrics is None:
        sys.stderr.write("CUSTOMERS_METRICS_TARGET is not set: the metrics service keeps the raw events\n")
        await engines.close()
        return 2
    database = Database.connect(
        settings.database_url.get_secret_value(),
        application_name=f"{SERVICE}-replay",
        pool_size=2,
        statement_timeout_seconds=_STATEMENT_SECONDS,
        lock_timeout_seconds=_LOCK_SECONDS,
    )
    models = ReadModels(database, engines.venues, engines.cache, engines.tombstones)
    raw_events = RawEvents(engines.metrics)
    rebuild = Rebuild(database, raw_events, models)
    try:
        await engines.start()
        for tenant_id in arguments.tenant:
            if arguments.documents:
                await _refill(engines, raw_events, tenant_id)
            else:
                await _rebuild(rebuild, tenant_id, beyond_retention=arguments.beyond_retention)
    except (AnalyticsError, RebuildRefused) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        await database.close()
        await engines.close()
    return 0


async def _refill(engines: Engines, raw_events: RawEvents, tenant_id: UUID) -> None:
    handlers = {
        behavior_queue.TYPES: behavior_of(engines).handler(),
        touchpoints_queue.TYPES: touchpoints_of(engines).handler(),
    }
    applied, refused = await refill(raw_events, handlers, tenant_id)
    _say(f"tenant {tenant_id}: applied {applied:,} events to sessions and touchpoints, refused {refused:,}")


async def _rebuild(rebuild: Rebuild, tenant_id: UUID, *, beyond_retention: bool) -> None:
    step = Step(0, None, {})
    _say(f"tenant {tenant_id}: looking for its raw events, emptying its read models, applying them again")
    bar = tqdm(unit=" events", disable=not sys.stderr.isatty())
    with closing(bar), acting_as(service_caller(SERVICE, tenant_id)):
        async with aclosing(rebuild.run(TenantScope(tenant_id), beyond_retention=beyond_retention)) as steps:
            async for after in steps:
                _show(bar, step, after)
                step = after
    _say(
        f"tenant {tenant_id}: applied {step.read - len(step.refused):,} events, refused {len(step.refused):,}"
    )
    if step.vanished_count:
        _say(f"  {step.vanished_count:,} events applied before, which no row stated, are not kept any more")
    for event_id, reason in list(step.refused.items())[:20]:
        _say(f"  {event_id}: {reason}")


def _show(bar: "tqdm[NoReturn]", before: Step, after: Step) -> None:
    bar.total = after.total
    bar.update(after.read - bar.n)
    if bar.disable and after.read // _LINE_EVENTS > before.read // _LINE_EVENTS:
        _say(f"  {after.read:,} of {'?' if after.total is None else f'{after.total:,}'} events")
