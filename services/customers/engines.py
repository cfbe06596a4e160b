"""What serving and working share: stores, clients, and the state that must exist once in a process."""

from functools import partial
from typing import Final

import grpc
from redis.asyncio import Redis

from libs.common import redis
from libs.common.auth.identity import IdentityIssuer
from libs.common.bus import open_bus
from libs.common.bus.outbox import OutboxRelay
from libs.common.cache.cache import Cache
from libs.common.catalog.venues import Venues
from libs.common.erasure.tombstones import KEY_PURPOSE, Hiding, Tombstones
from libs.common.mongo import Mongo
from libs.common.paging import PageTokens
from libs.common.postgres.database import Database
from libs.common.rpc import channel
from libs.common.sealing import Seal, derive_key
from libs.common.service import Check
from services.customers.settings import CustomersSettings

SERVICE: Final = "customers"
_WORKER_CONNECTIONS: Final = 5


class Engines:
    """Stores and clients of the process.

    Args:
        settings: The service's settings.

    Raises:
        ValueError: MongoDB has no URL: campaigns and behaviour are kept there.
    """

    def __init__(self, settings: CustomersSettings) -> None:
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
        self.pages = PageTokens(self.key("page-tokens"))
        self.venues = Venues(self.database)
        self.tombstones = Tombstones(self.key(KEY_PURPOSE))
        self.hiding = Hiding(self.database, self.tombstones)
        self.relay = OutboxRelay(self.worker_database, self.bus)
        if settings.mongo_url is None:
            raise ValueError("CUSTOMERS_MONGO_URL is not set: campaigns and behaviour are kept in MongoDB")
        self.mongo = Mongo.connect(
            settings.mongo_url.get_secret_value(), database=SERVICE, application_name=SERVICE
        )
        self.metrics = _metrics(settings)

    @property
    def dependencies(self) -> dict[str, Check]:
        """What health reports beside the process itself, by name."""
        return {
            "postgres": self.database.check,
            "redis": partial(redis.check, self.redis),
            "bus": self.bus.check,
            "mongo": self.mongo.check,
        }

    def key(self, purpose: str) -> bytes:
        return derive_key(self.settings.identity_key_path, purpose)

    def seal(self, purpose: str) -> Seal:
        return Seal(self.key(purpose))

    async def start(self) -> None:
        await self.cache.start()

    async def close(self) -> None:
        if self.metrics is not None:
            await self.metrics.close()
        await self.cache.close()
        await self.bus.close()
        await self.mongo.close()
        await self.redis.aclose()
        await self.database.close()
        await self.worker_database.close()


def _metrics(settings: CustomersSettings) -> grpc.aio.Channel | None:
    """The metrics service; None in a deployment without it."""
    if settings.metrics_target is None:
        return None
    from tickettoken.metrics.v1 import ingest_service_pb2  # registers the service that is called

    identity = IdentityIssuer(SERVICE, settings.identity_key_path, settings.jwt_audience)
    services = [service.full_name for service in ingest_service_pb2.DESCRIPTOR.services_by_name.values()]
    return channel.connect(settings.metrics_target, settings=settings, identity=identity, services=services)
