"""What generators of findings look at, counted from a house's facts one by one."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np

from services.customers.cohorts.table import Cell, Cohort
from services.customers.insights.facts import (
    DaySales,
    GoodSegments,
    ListPrice,
    RegularCustomer,
    ShowDoors,
    ShowSales,
    TypeSales,
    VenueFacts,
)
from services.customers.insights.generators.segment_migration import GOOD_SEGMENTS, SEGMENT_DAYS
from services.customers.rfm.measuring import measure
from services.customers.rfm.scoring import score
from services.customers.rfm.segments import SEGMENTS, segment_numbers

DAY = timedelta(days=1)
YEAR = timedelta(days=365)
NIGHTS = SEGMENT_DAYS + 7


class NaiveFacts:
    """Facts of a house's venue at its end."""

    def __init__(self, house):
        self.house = house
        self.orders = house.season.orders
        self.zone, self.until, self.anchor = house.venue.zone, house.until, house.season.anchor
        self.day = {order.id: order.sold_at.astimezone(self.zone).date() for order in self.orders}

    def facts(self):
        return VenueFacts(
            self.zone,
            self.anchor,
            days=self.days(),
            regulars=self.regulars(),
            cohorts=self.cohorts(),
            shows=self.shows(),
            doors=self.doors(),
            type_sales=self.type_sales(),
            list_prices=self.list_prices(),
        )

    def days(self):
        orders, net = Counter(), Counter()
        for order in self.orders:
            key = (self.day[order.id], order.channel, self.house.venue.currency)
            orders[key] += 1
            net[key] += order.gross_minor
        return [DaySales(*key, count, net[key]) for key, count in orders.items()]

    def regulars(self):
        days, spent = defaultdict(set), Counter()
        for order in self.orders:
            days[order.customer.id].add(self.day[order.id])
            spent[order.customer.id] += order.gross_minor
        regular = [customer for customer, own in days.items() if len(own) >= 3]
        regular.sort(key=lambda customer: (-spent[customer], customer))
        best = regular[: max(20, len(regular) // 10)]
        return [RegularCustomer(one, len(days[one]), min(days[one]), max(days[one])) for one in best]

    def cohorts(self):
        """Cohorts by month, from that of 280 days ago on: their sizes, and who of them bought when."""
        bought = defaultdict(set)
        for order in self.orders:
            bought[order.customer.id].add(month_of(self.day[order.id]))
        months = sorted({month_of(self.anchor - back * DAY) for back in range(1, 281)})
        running = month_of(self.anchor) if self.anchor.day > 1 else None
        found = []
        for number, month in enumerate(months):
            members = [own for own in bought.values() if min(own) == month]
            cells = tuple(
                Cell(sum(later in own for own in members), 0, 0, 0, 0, is_running=later == running)
                for later in months[number:]
            )
            start = datetime(*month, 1, tzinfo=self.zone).astimezone(UTC)
            found.append(Cohort(start, len(members), cells))
        return found

    def shows(self):
        sold, first = defaultdict(Counter), {}
        for order in self.orders:
            sold[order.show.id][(order.show.doors_at - order.sold_at) // DAY] += order.ticket_count
            first[order.show.id] = min(order.sold_at, first.get(order.show.id, order.sold_at))
        past = [show for show in self.house.season.shows if self.until - 3 * YEAR < show.starts_at]
        past = [show for show in past if show.starts_at <= self.until]
        coming = [show for show in self.house.season.shows if self.until < show.starts_at]
        return [
            ShowSales(
                show.id,
                show.doors_at,
                min(show.on_sale_at, first.get(show.id, show.on_sale_at)),
                show.genre,
                sum(kind.capacity for kind in show.ticket_types),
                dict(sold[show.id]),
            )
            for show in (*past[-200:], *coming[:50])
        ]

    def doors(self):
        tickets, admitted = Counter(), Counter(scan.order.show.id for scan in self.house.season.scans)
        for order in self.orders:
            tickets[order.show.id] += order.ticket_count
        return [
            ShowDoors(
                show.id, show.starts_at.astimezone(self.zone).date(), tickets[show.id], admitted[show.id]
            )
            for show in self.house.season.shows
            if self.until - YEAR < show.starts_at < self.until and tickets[show.id]
        ]

    def type_sales(self):
        lately = [show for show in self.house.season.shows if show.starts_at > self.until - 28 * DAY]
        chosen, sold = {show.id for show in lately[:100]}, Counter()
        for order in self.orders:
            if order.show.id in chosen and order.sold_at >= self.until - 43 * DAY:
                for line in order.lines:
                    price = line.ticket_type.price_minor
                    key = (order.show.id, line.ticket_type.id, self.day[order.id], price)
                    sold[key] += line.quantity
        return [TypeSales(*key, count) for key, count in sold.items()]

    def list_prices(self):
        sold = {sales.ticket_type_id for sales in self.type_sales()}
        return {
            kind.id: ListPrice(kind.price_minor, show.on_sale_at.astimezone(self.zone).date())
            for show in self.house.season.shows
            for kind in show.ticket_types
            if kind.id in sold
        }

    def good_segments(self):
        """Members of good segments, and who fell out of them, had everyone been scored every night."""
        numbers = {patron.customer.id: number for number, patron in enumerate(self.house.patrons)}
        customers = np.array([numbers[order.customer.id] for order in self.orders])
        days = np.array([self.day[order.id].toordinal() for order in self.orders])
        net = np.array([order.gross_minor for order in self.orders])
        good = np.array([SEGMENTS.index(segment) for segment in GOOD_SEGMENTS])
        members, fallen = set(), {}
        for back in range(NIGHTS, -1, -1):
            night = self.anchor - back * DAY
            measures = measure(customers, days, net, as_of=night.toordinal())
            is_good = np.isin(segment_numbers(score(measures)), good)
            now = set(measures.customers[is_good].tolist())
            fallen[night] = len(members - now)
            members = now
        return GoodSegments(len(members), fallen, self.anchor - NIGHTS * DAY)


def month_of(day):
    return (day.year, day.month)
