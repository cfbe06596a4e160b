"""The layer in front of Redis: answers of the last second, in this process, bounded in bytes."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from libs.common.cache.keys import WHOLE_TENANT, Place

_ENTRY_OVERHEAD_BYTES = 300

Generation = tuple[int, int]  # grows with every invalidation of the namespace, of the tenant


@dataclass(frozen=True, slots=True)
class _Entry:
    answer: bytes
    expires_at: float
    generation: Generation


class LocalAnswers:
    """Remembers answers for at most `max_age_seconds`, so a missed invalidation cannot matter for longer.

    An answer that was read before an invalidation and arrives after it is not kept: it carries the generation
    it was read under.
    """

    def __init__(
        self, *, max_age_seconds: float = 1.0, max_bytes: int = 16 << 20, max_places: int = 10_000
    ) -> None:
        self._max_age_seconds = max_age_seconds
        self._max_bytes = max_bytes
        self._max_places = max_places
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._generations: OrderedDict[tuple[UUID, str], int] = OrderedDict()
        self._forgotten_generation = 0
        self._last_generation = 0
        self.size_bytes = 0

    def generation(self, place: Place) -> Generation:
        """What an answer read from now on is stamped with."""
        return (
            self._generations.get((place.tenant_id, place.namespace), self._forgotten_generation),
            self._generations.get((place.tenant_id, WHOLE_TENANT), self._forgotten_generation),
        )

    def get(self, name: str, place: Place) -> bytes | None:
        entry = self._entries.get(name)
        if entry is None:
            return None
        if entry.expires_at <= time.monotonic() or entry.generation != self.generation(place):
            self._drop(name)
            return None
        self._entries.move_to_end(name)
        return entry.answer

    def put(self, name: str, place: Place, answer: bytes, generation: Generation, ttl_seconds: float) -> None:
        if len(answer) > self._max_bytes // 8 or generation != self.generation(place):
            return
        self._drop(name)
        expires_at = time.monotonic() + min(self._max_age_seconds, ttl_seconds)
        self._entries[name] = _Entry(answer, expires_at, generation)
        self.size_bytes += len(answer) + _ENTRY_OVERHEAD_BYTES
        while self.size_bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def invalidate(self, tenant_id: UUID, namespace: str) -> None:
        """Forget the namespace (or all of the tenant's, for `*`), and answers that are being read now."""
        self._last_generation += 1
        self._generations[tenant_id, namespace] = self._last_generation
        self._generations.move_to_end((tenant_id, namespace))
        if len(self._generations) > self._max_places:
            _, self._forgotten_generation = self._generations.popitem(last=False)

    def _drop(self, name: str) -> None:
        entry = self._entries.pop(name, None)
        if entry is not None:
            self.size_bytes -= len(entry.answer) + _ENTRY_OVERHEAD_BYTES
