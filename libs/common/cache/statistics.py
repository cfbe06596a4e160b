"""What the cache did, counted per tenant in the process and added up in Redis now and then."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(slots=True)
class CacheStatistics:
    """Counts since the counters began; `stored_bytes` is what was written, not what is still there."""

    hits: int = 0
    misses: int = 0
    errors: int = 0
    invalidations: int = 0
    stored_bytes: int = 0

    @property
    def hit_ratio(self) -> float | None:
        """Hits / (hits + misses), 0 to 1; None before the first."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else None

    def __add__(self, other: "CacheStatistics") -> "CacheStatistics":
        return CacheStatistics(
            hits=self.hits + other.hits,
            misses=self.misses + other.misses,
            errors=self.errors + other.errors,
            invalidations=self.invalidations + other.invalidations,
            stored_bytes=self.stored_bytes + other.stored_bytes,
        )


COUNTERS = ("hits", "misses", "errors", "invalidations", "stored_bytes")


class StatisticsByTenant:
    """Counts of this process that Redis does not know of yet."""

    def __init__(self) -> None:
        self._unsent: dict[UUID, CacheStatistics] = {}

    def of(self, tenant_id: UUID) -> CacheStatistics:
        return self._unsent.setdefault(tenant_id, CacheStatistics())

    def take(self) -> dict[UUID, CacheStatistics]:
        """Everything counted since the last call."""
        taken, self._unsent = self._unsent, {}
        return taken

    def give_back(self, counts: dict[UUID, CacheStatistics]) -> None:
        for tenant_id, count in counts.items():
            self._unsent[tenant_id] = self.of(tenant_id) + count
