"""Cache namespaces of answers that are made from the read models."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final
from uuid import UUID

ANY_TOPIC: Final = "facts"
"""Of answers that are made from several topics: any change of the read models ends them."""


class Topic(StrEnum):
    """What cached answers are made from; each is a cache namespace of a venue and of the tenant."""

    REVENUE = "revenue"
    CAPACITY = "capacity"
    VISITS = "visits"
    TICKETS = "tickets"
    MARKETPLACE = "marketplace"


def namespace(topic: Topic | str, venue_id: UUID | None) -> str:
    """Answers on a topic (or `ANY_TOPIC`) about one venue, or about all that the token grants."""
    return str(topic) if venue_id is None else f"{topic}:{venue_id}"


def namespaces_of(changed: Mapping[Topic, Collection[UUID]]) -> set[str]:
    """Everything that changes of these venues end."""
    names: set[str] = set()
    for topic, venue_ids in changed.items():
        for venue_id in (None, *venue_ids):
            names |= {namespace(topic, venue_id), namespace(ANY_TOPIC, venue_id)}
    return names
