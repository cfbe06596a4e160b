"""What is known of an erasure: whom it hides, what was asked for, and what each service did."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Part:
    """One service's part; `touched` counts rows, documents and cached answers by where they were."""

    service: str
    touched: Mapping[str, int]
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure, with a part for each service that must confirm."""

    erasure_id: UUID
    pseudonym: UUID
    reason: str
    requested_at: datetime
    completed_at: datetime | None
    parts: tuple[Part, ...]
