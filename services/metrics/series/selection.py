"""Which series a question is about."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Selection:
    """Which series: one metric of a venue, those that have all the given dimensions."""

    tenant_id: UUID
    venue_id: UUID
    metric_type: str
    dimensions: Mapping[str, str]

    def binds(self) -> tuple[UUID, UUID, str, str | None]:
        return (
            self.tenant_id,
            self.venue_id,
            self.metric_type,
            json.dumps(dict(self.dimensions), ensure_ascii=False) if self.dimensions else None,
        )
