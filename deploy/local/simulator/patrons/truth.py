"""The truth about patrons: who is lost, who will buy, and what channels and habits do. No event tells it."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from deploy.local.simulator.patrons.habits import chance_to_buy
from deploy.local.simulator.patrons.patronage import Patron, Patronage


class PatronTruth:
    """What estimates are compared with.

    Args:
        patronage: What was played.
    """

    def __init__(self, patronage: Patronage) -> None:
        self._patronage = patronage
        self._patrons = {patron.customer.id: patron for patron in patronage.patrons}
        self._purchases: defaultdict[UUID, list[datetime]] = defaultdict(list)
        for order in patronage.season.orders:
            self._purchases[order.customer.id].append(order.sold_at)

    @property
    def patrons(self) -> Mapping[UUID, Patron]:
        return self._patrons

    def habit(self, customer_id: UUID) -> str:
        """Name of the patron's habit."""
        return self._patrons[customer_id].latent.habit.name

    def is_lost(self, customer_id: UUID, at: datetime) -> bool:
        """Whether the patron had stopped to come by then, whether anybody could know it or not."""
        left = self._patrons[customer_id].latent.left
        return left is not None and left <= self._patronage.rhythm.busy_days(at)

    def chance_to_buy(self, customer_id: UUID, at: datetime, days: int) -> float:
        """Chance of a purchase in the days after a moment, of somebody who knows what nobody can.

        Exact for whole weeks on the venue's clock, but for contacts in the hours before the moment.
        """
        latent = self._patrons[customer_id].latent
        if self.is_lost(customer_id, at):
            return 0.0
        rhythm = self._patronage.rhythm
        busy_days = rhythm.busy_days(at + timedelta(days=days)) - rhythm.busy_days(at)
        rate = latent.own_rate + latent.caused_rate
        return chance_to_buy(rate, latent.habit.leaving_per_day, busy_days)

    def has_bought(self, customer_id: UUID, after: datetime, until: datetime) -> bool:
        """Whether the patron bought in [after, until)."""
        bought = self._purchases[customer_id]
        place = bisect_right(bought, after - timedelta.resolution)
        return place < len(bought) and bought[place] < until

    @property
    def effects(self) -> dict[str, float]:
        """By channel, the chance that one contact with somebody who still comes causes a purchase."""
        return {channel.name: channel.effect for channel in self._patronage.profile.channels}

    def caused_orders(self) -> dict[str, int]:
        """By channel, the orders that would not be there without it."""
        counts = Counter(touch.channel.name for touch in self._patronage.causes.values())
        return {channel.name: counts[channel.name] for channel in self._patronage.profile.channels}

    def as_json(self) -> dict[str, Any]:
        """The truth for people to read: habits, channels, and every patron's own."""
        made = self._patronage
        return {
            "tenant_id": str(made.season.ids.tenant_id),
            "seed": made.season.ids.seed,
            "anchor": made.season.anchor.isoformat(),
            "profile": made.profile.name,
            "venue_id": str(made.venue.id),
            "habits": self._habits(),
            "channels": self._channels(),
            "patrons": [self._patron(patron) for patron in made.patrons],
        }

    def _habits(self) -> list[dict[str, Any]]:
        patrons = Counter(patron.latent.habit for patron in self._patronage.patrons)
        orders: Counter[str] = Counter()
        gross: Counter[str] = Counter()
        for order in self._patronage.season.orders:
            name = self.habit(order.customer.id)
            orders[name] += 1
            gross[name] += order.gross_minor
        return [
            {
                "habit": habit.name,
                "patrons": count,
                "orders": orders[habit.name],
                "gross_minor": gross[habit.name],
                "purchases_per_year": habit.purchases_per_year,
                "loss_ratio": habit.loss_ratio,
                "stay_days": habit.stay_days,
            }
            for habit, count in sorted(patrons.items(), key=lambda pair: pair[0].name)
        ]

    def _channels(self) -> list[dict[str, Any]]:
        contacts = Counter(touch.channel.name for touch in self._patronage.touches)
        caused = self.caused_orders()
        return [
            {"channel": name, "effect": effect, "contacts": contacts[name], "caused_orders": caused[name]}
            for name, effect in self.effects.items()
        ]

    def _patron(self, patron: Patron) -> dict[str, Any]:
        latent, until = patron.latent, self._patronage.until
        return {
            "customer_id": str(patron.customer.id),
            "name": patron.customer.name,
            "habit": latent.habit.name,
            "purchases_per_year": round(365 * (latent.own_rate + latent.caused_rate), 3),
            "left_at": None if latent.left is None else patron.customer.leaves_at.isoformat(),
            "chance_to_buy_in_91_days": round(self.chance_to_buy(patron.customer.id, until, 91), 4),
        }
