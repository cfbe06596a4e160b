"""Get-or-compute: one computation at a time, invalidation by version, an answer even without Redis."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from redis.asyncio import Redis

from libs.common.cache import keys
from libs.common.cache.envelope import Envelope
from libs.common.cache.invalidation import Invalidations
from libs.common.cache.keys import Place
from libs.common.cache.lifetimes import LONGEST
from libs.common.cache.local import Generation, LocalAnswers
from libs.common.cache.shared import Asked, SharedAnswers
from libs.common.cache.statistics import COUNTERS, StatisticsByTenant
from libs.common.context import current_caller
from libs.common.redis import FAILURES
from libs.common.tasks import ended

_REPORT_SECONDS = 1.0

Compute = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Question:
    """One cacheable answer, for `warm`; the fields are the arguments of `get_or_compute`."""

    namespace: str
    key: str
    ttl: timedelta
    compute: Compute


class Cache:
    """The answers of one service, for the tenant of the current caller.

    An answer is valid while its namespace's version is the one it was computed under, so invalidating is one
    small write however many answers there are. Callers with another venue grant have other answers.

    Args:
        redis: Shared by the replicas.
        service: Name of the service.
        key: 32 bytes that sign values, `derive_key(settings.identity_key_path, "cache")`.
        lock_seconds: How long others wait for one computation before they compute themselves.
        most_pending_invalidations: More than that, while Redis is down, and whole tenants are invalidated.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        service: str,
        key: bytes,
        lock_seconds: float = 5.0,
        most_pending_invalidations: int = 10_000,
    ) -> None:
        self._redis = redis
        self._service = service
        self._statistics = StatisticsByTenant()
        self._local = LocalAnswers()
        self._shared = SharedAnswers(redis, Envelope(key), self._statistics, lock_seconds=lock_seconds)
        self._invalidations = Invalidations(
            redis, service, self._local, most_pending=most_pending_invalidations
        )
        self._computing: dict[tuple[str, Generation], asyncio.Future[bytes]] = {}
        self._reporting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen to other replicas, repeat failed invalidations, report statistics; until `close`."""
        self._invalidations.start()
        self._reporting = asyncio.create_task(self._report_for_ever())

    async def close(self) -> None:
        if self._reporting is not None:
            await ended(self._reporting)
            await self._report()
        await self._invalidations.close()

    async def get_or_compute(self, namespace: str, key: str, ttl: timedelta, compute: Compute) -> bytes:
        """The cached answer, or the computed one, which is then cached.

        Args:
            namespace: What `invalidate` names, for example "series" or "series:<venue id>".
            key: Everything the answer depends on, beside the tenant and the venue grant.
            ttl: Longest time the answer is served.
            compute: Gives the answer; its exceptions reach every caller that waits for it.
        """
        scope = current_caller().scope
        place = Place(scope.tenant_id, self._service, namespace)
        name = place.value(key, scope)
        local = self._local.get(name, place)
        if local is not None:
            self._statistics.of(scope.tenant_id).hits += 1
            return local
        while (computing := self._computing.get((name, self._local.generation(place)))) is not None:
            try:
                answer = await asyncio.shield(computing)
            except asyncio.CancelledError:
                if not computing.cancelled():
                    raise
                continue  # the caller that computed went away: one of those who waited takes over
            self._statistics.of(scope.tenant_id).hits += 1
            return answer
        return await self._alone(Asked(place, name, min(ttl, LONGEST), compute))

    async def invalidate(self, namespaces: Iterable[str]) -> None:
        """Make every answer of these namespaces of the caller's tenant unreachable, in all replicas.

        Call it after the commit. What Redis does not take is kept and repeated until it does.
        """
        tenant_id = current_caller().tenant_id
        bumped = set(namespaces)
        self._statistics.of(tenant_id).invalidations += len(bumped)
        await self._invalidations.bump(tenant_id, bumped)

    async def warm(self, questions: Iterable[Question], *, concurrency: int = 4) -> int:
        """Compute what is not cached yet; returns how many questions were asked."""
        gate = asyncio.Semaphore(concurrency)

        async def ask(question: Question) -> None:
            async with gate:
                await self.get_or_compute(question.namespace, question.key, question.ttl, question.compute)

        asked = [ask(question) for question in questions]
        await asyncio.gather(*asked)
        return len(asked)

    @property
    def pending_invalidations(self) -> int:
        """Invalidations that Redis does not know of yet."""
        return self._invalidations.pending

    async def _alone(self, asked: Asked) -> bytes:
        """Answer once for all callers of this process that ask before the next invalidation."""
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        shared_by = (asked.name, self._local.generation(asked.place))
        self._computing[shared_by] = future
        try:
            answer = await self._from_redis_or_computed(asked)
        except Exception as error:
            future.set_exception(error)
            future.exception()  # read here, so that nobody warns when no other caller waits
            raise
        except BaseException:
            future.cancel()
            raise
        else:
            future.set_result(answer)
            return answer
        finally:
            del self._computing[shared_by]

    async def _from_redis_or_computed(self, asked: Asked) -> bytes:
        if self._shared.is_down or self._invalidations.is_pending(asked.place):
            self._statistics.of(asked.place.tenant_id).errors += 1
            return await self._computed(asked)
        generation = self._local.generation(asked.place)
        found = await self._shared.look(asked)
        lock = None
        if found.answer is None and found.versions is not None:
            lock = await self._shared.lock(asked)
            if lock is None:
                generation = self._local.generation(asked.place)
                found = await self._shared.wait_for_other(asked)
        if found.answer is not None:
            self._statistics.of(asked.place.tenant_id).hits += 1
            self._remember(asked, found.answer, generation)
            return found.answer
        try:
            answer = await self._computed(asked)
            if found.versions is not None and not self._invalidations.is_pending(asked.place):
                await self._shared.store(asked, found.versions, answer)
            return answer
        finally:
            if lock is not None:
                await self._shared.unlock(asked, lock)

    async def _computed(self, asked: Asked) -> bytes:
        self._statistics.of(asked.place.tenant_id).misses += 1
        generation = self._local.generation(asked.place)
        answer = await asked.compute()
        self._remember(asked, answer, generation)
        return answer

    def _remember(self, asked: Asked, answer: bytes, generation: Generation) -> None:
        self._local.put(asked.name, asked.place, answer, generation, asked.ttl.total_seconds())

    async def _report_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_REPORT_SECONDS)
            await self._report()

    async def _report(self) -> None:
        counts = self._statistics.take()
        pipeline = self._redis.pipeline(transaction=True)
        for tenant_id, count in counts.items():
            for counter in COUNTERS:
                if increment := getattr(count, counter):
                    pipeline.hincrby(keys.statistics(tenant_id, self._service), counter, increment)
        try:
            await pipeline.execute()
        except FAILURES:
            self._statistics.give_back(counts)
