"""Cache namespaces of answers that are made from the facts and figures of venues."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

_FACTS: Final = "facts"


def venue_namespace(venue_id: UUID | None) -> str:
    """Answers about one venue, or (None) about all that the token grants."""
    return _FACTS if venue_id is None else f"{_FACTS}:{venue_id}"


def venue_namespaces(venue_ids: Collection[UUID]) -> set[str]:
    """Everything that a change at these venues ends; without any, nothing."""
    if not venue_ids:
        return set()
    return {venue_namespace(venue_id) for venue_id in (None, *venue_ids)}
