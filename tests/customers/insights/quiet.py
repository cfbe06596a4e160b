"""A venue where nothing ever changes, drawn from stated distributions; and the days of one by hand."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

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

CLOCK = ZoneInfo("Europe/Berlin")
END = date(2026, 3, 2)
DAY = timedelta(days=1)
CHANNELS = {"web": 0.6, "app": 0.25, "box_office": 0.1, "partner": 0.05}


def number(generator):
    return UUID(int=int(generator.integers(2**62)))


def quiet_venue(seed, **instead):
    """Facts of two years without any change but chance and the week's rhythm; `instead` replaces parts."""
    generator = np.random.default_rng(seed)
    days = quiet_days(generator)
    facts = VenueFacts(
        CLOCK,
        END,
        days=days,
        regulars=quiet_regulars(generator, days),
        cohorts=quiet_cohorts(generator),
        shows=quiet_shows(generator),
        doors=quiet_doors(generator),
        good=GoodSegments(
            400, {END - back * DAY: int(generator.poisson(3)) for back in range(1, 120)}, END - 150 * DAY
        ),
        **quiet_prices(generator),
    )
    return VenueFacts(**{name: instead.get(name, getattr(facts, name)) for name in facts.__slots__})


def quiet_days(generator, *, mean_orders=60):
    """Orders by day and channel: gamma-mixed Poisson counts, lognormal prices, busy weekends."""
    found = []
    for back in range(730, 0, -1):
        day = END - back * DAY
        busy = 2.0 if day.weekday() >= 4 else 1.0
        orders = generator.poisson(mean_orders * busy * generator.gamma(20, 1 / 20))
        by_channel = generator.multinomial(orders, generator.dirichlet(200 * np.array([*CHANNELS.values()])))
        for channel, count in zip(CHANNELS, by_channel, strict=True):
            net = int(generator.lognormal(8, 0.6, size=count).sum())
            found.append(DaySales(day, channel, "EUR", int(count), net))
    return found


def quiet_regulars(generator, days, *, count=150):
    """Customers who take a constant share of the venue's orders, each at a rate of their own."""
    dates = sorted({day.day for day in days})
    weights = np.array([sum(day.order_count for day in days[place::4]) for place in range(4)])
    assert weights.all()
    totals = {}
    for day in days:
        totals[day.day] = totals.get(day.day, 0) + day.order_count
    orders = np.array([totals[day] for day in dates], float)
    found = []
    while len(found) < count:
        rate = generator.gamma(2, 0.0001)
        bought = np.flatnonzero(generator.random(len(dates)) < -np.expm1(-rate * orders))
        if len(bought) >= 3:
            found.append(RegularCustomer(number(generator), len(bought), dates[bought[0]], dates[bought[-1]]))
    return found


def quiet_cohorts(generator, *, ratio=0.2):
    starts = [datetime(2025, month, 1, tzinfo=UTC) for month in range(6, 13)]
    found = []
    for start in [*starts, datetime(2026, 1, 1, tzinfo=UTC)]:
        size = int(generator.integers(300, 600))
        retained = int(generator.binomial(size, ratio))
        found.append(cohort(start, size, retained))
    return found


def cohort(start, size, retained):
    cells = [Cell(count, count, 0, count, 0, is_running=False) for count in (size, retained)]
    return Cohort(start.astimezone(UTC), size, tuple(cells))


def quiet_shows(generator, *, coming=10):
    """Weekly shows; sales come as a Poisson stream whose size differs lognormally between shows."""
    found = []
    for week in range(-coming, 60):
        doors = datetime(2026, 3, 2, 19, tzinfo=UTC) - week * 7 * DAY - timedelta(hours=1)
        size = 300 * generator.lognormal(0, 0.3)
        leads = range(60)
        sold = {
            lead: int(generator.poisson(size * 0.06 * 0.94**lead))
            for lead in leads
            if doors - lead * DAY < datetime(2026, 3, 1, 23, tzinfo=UTC)
        }
        found.append(ShowSales(number(generator), doors, doors - 60 * DAY, "rock", 1000, sold))
    return found


def quiet_doors(generator, *, ratio=0.08):
    """Two shows a week; parties and weather make shares vary more than single tickets would."""
    found = []
    for half_week in range(1, 100):
        tickets = int(generator.integers(150, 400))
        absent = generator.beta(ratio * 150, (1 - ratio) * 150)
        admitted = tickets - int(generator.binomial(tickets, absent))
        found.append(ShowDoors(number(generator), END - (half_week * 3 + 1) * DAY, tickets, admitted))
    return found


def quiet_prices(generator, *, shows=6, fall=1.0):
    """Shows with three types; one type's price rose 14 days ago and sells `fall` times its share since."""
    sold, prices = [], {}
    for _ in range(shows):
        show, types = number(generator), [number(generator) for _ in range(3)]
        for back in range(28, 0, -1):
            day = END - back * DAY
            rates = np.array([4.0 * (fall if back <= 14 else 1.0), 8.0, 12.0])
            orders = generator.poisson(rates * (1 + (28 - back) / 28))
            for place, (kind, count) in enumerate(zip(types, orders, strict=True)):
                tickets = int(generator.choice([1, 2, 2, 4], size=count).sum())
                price = 5_500 if place == 0 and back <= 14 else 5_000
                if tickets:
                    sold.append(TypeSales(show, kind, day, price, tickets))
        prices |= {kind: ListPrice(5_000, END - 200 * DAY) for kind in types}
    return {"type_sales": sold, "list_prices": prices}
