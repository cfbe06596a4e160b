"""The secondary market of a season: some holders pass tickets on, some offer them, some of those are sold."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from deploy.local.simulator.facts import Line, Listing, Order, Refund, Resale, Transfer
from deploy.local.simulator.world import Ids, Show

_TRANSFER_RATIO = 0.02
_OFFER_RATIO = 0.05
_SOLD_RATIO = 0.6
_ROYALTY_RATIO = 0.05


class SecondHands:
    """What becomes of one show's tickets between their sale and the doors.

    Args:
        ids: Whose season it is.
        show: The show.
        now: The end of what has happened.
    """

    def __init__(self, ids: Ids, show: Show, now: datetime) -> None:
        self._ids = ids
        self._random = Random(f"{ids.seed}/secondary/{show.id}")
        self._until = min(now, show.doors_at)

    def of(self, orders: Sequence[Order], refunds: Sequence[Refund]) -> Iterator[Transfer | Listing | Resale]:
        """Facts about the tickets of orders from which nothing went back."""
        returned = {refund.order.id for refund in refunds}
        for order in orders:
            for line in order.lines:
                for number in range(line.quantity):
                    chance = self._random.random()
                    if chance < _TRANSFER_RATIO + _OFFER_RATIO and order.id not in returned:
                        ticket_id = self._ids.make("ticket", order.id, line.ticket_type.id, number)
                        is_gift = chance < _TRANSFER_RATIO
                        yield from (
                            self._gift(order, ticket_id) if is_gift else self._offer(order, line, ticket_id)
                        )

    def _gift(self, order: Order, ticket_id: UUID) -> Iterator[Transfer]:
        at = self._some_time_after(order)
        if at < self._until:
            yield Transfer(ticket_id, order, at)

    def _offer(self, order: Order, line: Line, ticket_id: UUID) -> Iterator[Listing | Resale]:
        """An offer at three quarters of the face value to half as much again: the dearer, the fewer sell."""
        random, kind, at = self._random, line.ticket_type, self._some_time_after(order)
        factor = random.uniform(0.75, 1.5)
        price = round(kind.price_minor * factor)
        if at >= self._until:
            return
        listing = Listing(
            self._ids.make("listing", ticket_id), ticket_id, order, kind, at, price, "active", version=1
        )
        yield listing
        later = (at + timedelta(hours=random.uniform(1, 72))).replace(microsecond=0)
        is_sold, is_withdrawn = random.random() < _SOLD_RATIO / factor, random.random() < 0.2
        if later >= self._until:
            return
        if is_sold:
            yield Resale(ticket_id, listing.id, order, kind, later, price, round(price * _ROYALTY_RATIO))
        elif is_withdrawn:
            yield Listing(listing.id, ticket_id, order, kind, later, price, "withdrawn", version=2)

    def _some_time_after(self, order: Order) -> datetime:
        wait = (order.show.doors_at - order.sold_at) * self._random.uniform(0.1, 0.9)
        return (order.sold_at + wait).replace(microsecond=0)
