"""What a batch of events changed, as far as others have to know."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from services.metrics.daily.facts import DailyFact, DailyVisit
from services.metrics.live.values import LiveValue
from services.metrics.namespaces import Topic


@dataclass(slots=True)
class Changes:
    """Changes of the read models inside one transaction.

    `venues` are those whose answers on a topic changed; `live` counts towards live metrics; `daily` and
    `visits` are carried into the daily tables.
    """

    venues: dict[Topic, set[UUID]] = field(default_factory=dict)
    live: list[LiveValue] = field(default_factory=list)
    daily: list[DailyFact] = field(default_factory=list)
    visits: list[DailyVisit] = field(default_factory=list)

    def touch(self, venue_ids: Iterable[UUID], *topics: Topic) -> None:
        """Mark answers about these venues as changed; without any, those about all venues stay as well."""
        concerned = set(venue_ids)
        if not concerned:
            return
        for topic in topics:
            self.venues.setdefault(topic, set()).update(concerned)

    def add(self, other: "Changes") -> None:
        """Take over what another part of the batch changed."""
        for topic, venue_ids in other.venues.items():
            self.touch(venue_ids, topic)
        self.live += other.live
        self.daily += other.daily
        self.visits += other.visits
