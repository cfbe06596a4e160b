"""What serving and working share: stores, clients, and the state that must exist once in a process."""

from datetime import timedelta
from functools import partial
from typing import Final

from redis.asyncio import Redis

from libs.common import redis
from libs.common.bus import open_bus
from libs.common.bus.outbox import OutboxRelay
from libs.common.cache.cache import Cache
from libs.common.catalog.venues import Venues
from libs.common.postgres.database import Database
from libs.common.sealing import derive_key
from libs.common.service import Check
from services.metrics.customers_port import customer_figures
from services.metrics.event_documents.store import EventDocumentStore
from services.metrics.live.feed import Feeds
from services.metrics.live.publisher import LivePublisher
from services.metrics.raw_events.store import RawEventStore
from services.metrics.replication.influx import Influx
from services.metrics.settings import MetricsSettings
from services.metrics.writer_slots import WriterSlots

SERVICE: Final = "metrics"
_WORKER_CONNECTIONS: Final = 5


class Engines:
    """What serving and working share: stores, clients, and the state that must exist once in a process."""

    def __init__(self, settings: MetricsSettings) -> None:
        self.settings = settings
        self.database = Database.connect(
            settings.database_url.get_secret_value(),
            application_name=SERVICE,
            pool_size=settings.database_pool_size,
            statement_timeout_seconds=settings.statement_timeout_seconds,
        )
        self.worker_database = Database.connect(
            settings.worker_database_url.get_secret_value(),
            application_name=f"{SERVICE}-worker",
            pool_size=_WORKER_CONNECTIONS,
            statement_timeout_seconds=settings.statement_timeout_seconds,
        )
        self.redis: Redis = redis.connect(settings.redis_url.get_secret_value(), application_name=SERVICE)
        self.bus = open_bus(settings.bus_url.get_secret_value())
        self.cache = Cache(self.redis, service=SERVICE, key=self.key("cache"))
        self.venues = Venues(self.database)
        self.slots = WriterSlots(self.worker_database, count=settings.ingest_lanes + 1)
        self.feeds = Feeds(self.redis, length=settings.feed_length)
        self.live = LivePublisher(self.database, self.feeds, tick_seconds=settings.feed_tick_seconds)
        self.relay = OutboxRelay(self.worker_database, self.bus)
        if settings.mongo_url is None:
            raise ValueError("METRICS_MONGO_URL is not set: raw events and documents are kept in MongoDB")
        self.raw_events = RawEventStore.connect(
            settings.mongo_url.get_secret_value(), kept=timedelta(days=settings.raw_event_retention_days)
        )
        self.event_documents = EventDocumentStore.connect(settings.mongo_url.get_secret_value())
        self.influx = _influx(settings)
        self.customers = customer_figures(settings)

    @property
    def dependencies(self) -> dict[str, Check]:
        """What health reports beside the process itself, by name."""
        return {
            "postgres": self.database.check,
            "redis": partial(redis.check, self.redis),
            "bus": self.bus.check,
            "mongo": self.raw_events.check,
            **({} if self.influx is None else {"influx": self.influx.check}),
        }

    def key(self, purpose: str) -> bytes:
        return derive_key(self.settings.identity_key_path, purpose)

    async def start(self) -> None:
        await self.slots.start()
        await self.cache.start()
        self.live.start()

    async def close(self) -> None:
        await self.live.stop()
        await self.customers.close()
        await self.cache.close()
        await self.slots.stop()
        await self.bus.close()
        await self.raw_events.close()
        await self.event_documents.close()
        if self.influx is not None:
            await self.influx.close()
        await self.redis.aclose()
        await self.database.close()
        await self.worker_database.close()


def _influx(settings: MetricsSettings) -> Influx | None:
    """The replica's server; None where series live in PostgreSQL alone."""
    if not settings.influx_url:
        return None
    return Influx(
        settings.influx_url,
        token=None if settings.influx_token is None else settings.influx_token.get_secret_value(),
        org=settings.influx_org,
        read_seconds=settings.influx_read_timeout_seconds,
    )
