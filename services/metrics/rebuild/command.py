"""`replay`: makes a tenant's read models anew from its raw events."""

import argparse
import sys
from contextlib import AsyncExitStack, closing
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from tqdm import tqdm

from libs.common import redis
from libs.common.bus.consumer import service_caller
from libs.common.cache.cache import Cache
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope, acting_as
from libs.common.erasure.tombstones import KEY_PURPOSE, Tombstones
from libs.common.errors import AnalyticsError
from libs.common.postgres.database import Database
from libs.common.sealing import derive_key
from services.metrics.event_documents.consumer import EventDocuments
from services.metrics.event_documents.refill import refill
from services.metrics.event_documents.store import EventDocumentStore
from services.metrics.raw_events.replay import Replay
from services.metrics.raw_events.store import RawEventStore
from services.metrics.read_models.consumer import ReadModels
from services.metrics.read_models.effects import Effects
from services.metrics.rebuild.rebuild import Rebuild, RebuildRefused, Step
from services.metrics.settings import MetricsSettings

_STATEMENT_SECONDS: Final = 600
_LINE_EVENTS: Final = 20_000
_say = partial(print, flush=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the verb's parser its options."""
    parser.add_argument("--tenant", type=UUID, action="append", required=True, help="may be repeated")
    parser.add_argument(
        "--beyond-retention",
        action="store_true",
        help="also where raw events have begun to expire: facts older than those are lost",
    )
    parser.add_argument(
        "--documents",
        action="store_true",
        help="bring the documents of shows up to the raw events instead; read models stay as they are",
    )


async def run(settings: MetricsSettings, arguments: argparse.Namespace) -> int:
    """Carry out a parsed command; returns the exit code."""
    if settings.mongo_url is None:
        sys.stderr.write("METRICS_MONGO_URL is not set: raw events are kept in MongoDB\n")
        return 2
    async with AsyncExitStack() as stack:
        database = Database.connect(
            settings.database_url.get_secret_value(),
            application_name="metrics-replay",
            pool_size=2,
            statement_timeout_seconds=_STATEMENT_SECONDS,
        )
        stack.push_async_callback(database.close)
        raw_events = RawEventStore.connect(
            settings.mongo_url.get_secret_value(), kept=timedelta(days=settings.raw_event_retention_days)
        )
        stack.push_async_callback(raw_events.close)
        client = redis.connect(settings.redis_url.get_secret_value(), application_name="metrics-replay")
        stack.push_async_callback(client.aclose)
        cache = Cache(client, service="metrics", key=derive_key(settings.identity_key_path, "cache"))
        tombstones = Tombstones(derive_key(settings.identity_key_path, KEY_PURPOSE))
        models = ReadModels(database, Venues(database), Effects(None, cache), tombstones)
        rebuild = Rebuild(database, raw_events, models)
        try:
            if arguments.documents:
                await _refill(settings, raw_events, stack, arguments.tenant)
                return 0
            for tenant_id in arguments.tenant:
                await _rebuild(rebuild, tenant_id, beyond_retention=arguments.beyond_retention)
        except (AnalyticsError, RebuildRefused) as error:
            sys.stderr.write(f"{error}\n")
            return 1
    return 0


async def _refill(
    settings: MetricsSettings, raw_events: RawEventStore, stack: AsyncExitStack, tenant_ids: list[UUID]
) -> None:
    assert settings.mongo_url is not None
    store = EventDocumentStore.connect(settings.mongo_url.get_secret_value())
    stack.push_async_callback(store.close)
    replay = Replay(raw_events, derive_key(settings.identity_key_path, "replay-tokens"))
    for tenant_id in tenant_ids:
        with acting_as(service_caller("metrics", tenant_id)):
            applied, refused = await refill(replay, EventDocuments(store), tenant_id)
        _say(f"tenant {tenant_id}: applied {applied:,} events to documents of shows, refused {refused:,}")


async def _rebuild(rebuild: Rebuild, tenant_id: UUID, *, beyond_retention: bool) -> None:
    step = Step(0, 0, {})
    _say(f"tenant {tenant_id}: emptying its read models, then applying its raw events again")
    bar = tqdm(unit=" events", disable=not sys.stderr.isatty())
    with closing(bar), acting_as(service_caller("metrics", tenant_id)):
        async for step in rebuild.run(TenantScope(tenant_id), beyond_retention=beyond_retention):
            bar.total = step.total
            bar.update(step.read - bar.n)
            if bar.disable and step.read % _LINE_EVENTS == 0:
                _say(f"  {step.read:,} of {step.total:,} events")
    _say(
        f"tenant {tenant_id}: applied {step.read - len(step.refused):,} events, refused {len(step.refused):,}"
    )
    for event_id, reason in list(step.refused.items())[:20]:
        _say(f"  {event_id}: {reason}")
