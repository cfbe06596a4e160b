"""Names of everything the caches keep in Redis; all of it belongs to one tenant."""

import hashlib
import re
from dataclasses import dataclass
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.redis import tenant_key

WHOLE_TENANT = "*"
_NAMESPACE = re.compile(r"[a-z0-9_.-]+(:[a-z0-9_.-]+)*")


@dataclass(frozen=True, slots=True)
class Place:
    """Where one namespace of one tenant is kept."""

    tenant_id: UUID
    service: str
    namespace: str

    def __post_init__(self) -> None:
        if not _NAMESPACE.fullmatch(self.namespace):
            raise ValueError(f"not a cache namespace: {self.namespace!r}")

    @property
    def version(self) -> str:
        return version(self.tenant_id, self.service, self.namespace)

    @property
    def tenant_version(self) -> str:
        return version(self.tenant_id, self.service, WHOLE_TENANT)

    @property
    def indexed_as(self) -> str:
        """Member of the tenant's index of namespaces."""
        return f"{self.service}:{self.namespace}"

    def value(self, key: str, scope: TenantScope) -> str:
        """The answer to `key` for callers with the same venue grant: others may not see the same rows."""
        digest = hashlib.blake2b(key.encode(), digest_size=16)
        if scope.venue_ids is not None:
            digest.update(b"|".join(sorted(venue_id.bytes for venue_id in scope.venue_ids)))
            digest.update(b"granted")
        return tenant_key(
            "analytics", self.tenant_id, self.service, "cache", self.namespace, digest.hexdigest()
        )


def version(tenant_id: UUID, service: str, namespace: str) -> str:
    """Name of the version of a namespace, or of all the tenant's for `*`."""
    return tenant_key("analytics", tenant_id, service, "version", namespace)


def index(tenant_id: UUID) -> str:
    """The tenant's index: every namespace that holds answers, with the time it last got one."""
    return tenant_key("analytics", tenant_id, "cache", "namespaces")


def statistics(tenant_id: UUID, service: str) -> str:
    return tenant_key("analytics", tenant_id, service, "cache-statistics")


def invalidations(service: str) -> str:
    """Channel on which the replicas of a service tell each other what they made invalid."""
    return f"analytics:invalidations:{service}"
