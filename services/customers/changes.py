"""What a batch of events changed, as far as others have to know."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(slots=True)
class Changes:
    """Changes of the read models inside one transaction.

    `venues` are those whose answers changed; `customers` the people whose purchases at a venue changed, as
    (venue, customer); `people` those whose own data changed, wherever they buy.
    """

    venues: set[UUID] = field(default_factory=set)
    customers: set[tuple[UUID, UUID]] = field(default_factory=set)
    people: set[UUID] = field(default_factory=set)

    def bought(self, pairs: Iterable[tuple[UUID, UUID]]) -> None:
        """Mark the purchases of people as changed, as (venue, customer)."""
        for venue_id, customer_id in pairs:
            self.venues.add(venue_id)
            self.customers.add((venue_id, customer_id))

    def add(self, other: "Changes") -> None:
        """Take over what another part of the batch changed."""
        self.venues |= other.venues
        self.customers |= other.customers
        self.people |= other.people
