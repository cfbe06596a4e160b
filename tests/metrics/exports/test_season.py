"""Every data set of a season against a naive count of its facts."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.metrics.season import naive
from tests.metrics.season.questions import windows

MONEY = ("gross_minor", "refund_minor", "fee_minor", "net_minor")


@pytest.fixture
def whole(small_season):
    return small_season.now - timedelta(days=420), small_season.now + timedelta(days=1)


@pytest.fixture(params=range(4))
def window(request, small_season):
    """The whole season, odd edges around both turns of the clock, and the last month."""
    return windows(small_season, ZoneInfo("Europe/Berlin"))[request.param]


def money(lines):
    """Gross, refunds, fees, net."""
    return tuple(sum(getattr(line, name) for line in lines) for name in ("gross", "refund", "fees", "net"))


def stand_in(found, names):
    return [tuple(row[name] for name in names) for row in found]


def sold_within(season, window, wanted=lambda _: True):
    """Lines of the books by order, in the order of sales."""
    by_order = defaultdict(list)
    for line in naive.sold(season):
        if window[0] <= line.order.sold_at < window[1] and wanted(line):
            by_order[line.order].append(line)
    return sorted(by_order.items(), key=lambda item: (item[0].sold_at, str(item[0].id)))


async def test_orders(export, small_season, window):
    found = await export("orders", window)

    assert [
        (row["order_id"], row["venue_id"], row["sold_at"], row["channel"], row["currency"]) for row in found
    ] == [
        (str(order.id), str(order.venue_id), order.sold_at, order.channel, order.currency)
        for order, _ in sold_within(small_season, window)
    ]
    for row, (_, lines) in zip(found, sold_within(small_season, window), strict=True):
        counts = (row["line_count"], row["ticket_count"], row["refunded_ticket_count"])
        assert counts == (
            len(lines),
            sum(line.tickets for line in lines),
            sum(line.returned for line in lines),
        )
        assert tuple(row[name] for name in MONEY) == money(lines)


async def test_order_lines(export, small_season, window):
    found = await export("order_lines", window)

    expected = [line for _, lines in sold_within(small_season, window) for line in lines]
    assert stand_in(
        found,
        (
            "order_id", "sold_at", "event_id", "ticket_type_id", "ticket_count", "refunded_ticket_count",
            *MONEY,
        ),
    ) == [
        (
            str(line.order.id), line.order.sold_at, str(line.show_id), str(line.type_id), line.tickets,
            line.returned, *money([line]),
        )
        for line in expected
    ]  # fmt: skip


async def test_sales_of_one_show_and_of_one_venue(export, small_season, whole):
    venue = small_season.venues[1]
    show = next(one for one in small_season.shows.values() if one.venue_id == venue.id)
    of_show = sold_within(small_season, whole, lambda line: line.show_id == show.id)
    of_venue = sold_within(small_season, whole, lambda line: line.order.venue_id == venue.id)

    orders = await export("orders", whole, event_id=str(show.id), venue_id=str(venue.id))
    lines = await export("order_lines", whole, event_id=str(show.id))
    in_venue = await export("orders", whole, venue_id=str(venue.id))

    assert stand_in(orders, ("order_id", *MONEY)) == [(str(order.id), *money(own)) for order, own in of_show]
    assert len(lines) == sum(len(own) for _, own in of_show) > 0
    assert stand_in(in_venue, ("order_id", *MONEY)) == [
        (str(order.id), *money(own)) for order, own in of_venue
    ]


async def test_refunds_come_by_the_time_of_the_sale(export, small_season, window):
    found = await export("refunds", window)

    expected = sorted(
        (
            one
            for one in small_season.refunds
            if one.order.cancelled_at is None and window[0] <= one.order.sold_at < window[1]
        ),
        key=lambda one: (one.order.sold_at, str(one.order.id), str(one.id)),
    )
    assert [tuple(row.values()) for row in found] == [
        (
            str(one.id), str(one.order.id), str(one.order.venue_id), one.order.sold_at, one.at,
            one.order.channel, one.order.currency, one.amount, one.fees, sum(one.back.values()),
        )
        for one in expected
    ]  # fmt: skip


async def test_refunds_of_one_show(export, small_season, whole):
    show = small_season.refunds[0].order.lines[0].show_id

    found = await export("refunds", whole, event_id=str(show))

    assert {row["refund_id"] for row in found} == {
        str(one.id)
        for one in small_season.refunds
        if one.order.cancelled_at is None and show in one.order.shows
    }


def starts(day, zone):
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


async def test_sales_by_day(export, small_season, window):
    zones = {one.id: one.time_zone for one in small_season.venues}
    names = {one.id: one.name for one in small_season.venues}
    days, resold = defaultdict(list), defaultdict(list)
    for line in naive.sold(small_season):
        venue = line.order.venue_id
        day = line.order.sold_at.astimezone(ZoneInfo(zones[venue])).date()
        days[day, venue, line.order.currency].append(line)
    for one in small_season.resales:
        day = one.at.astimezone(ZoneInfo(zones[one.venue_id])).date()
        resold[day, one.venue_id, one.currency].append(one)

    found = await export("sales_daily", window)

    keys = sorted(
        (key for key in {*days, *resold} if window[0] <= starts(key[0], zones[key[1]]) < window[1]),
        key=lambda key: (key[0], str(key[1]), key[2]),
    )
    listed = [row for row in found if any(row[name] for name in ("order_count", "resale_count"))]
    assert stand_in(
        listed,
        (
            "day", "venue_id", "venue_name", "currency", "order_count", "ticket_count",
            "refunded_ticket_count", *MONEY, "resale_count", "resale_minor", "royalty_minor",
        ),
    ) == [
        (
            str(key[0]), str(key[1]), names[key[1]], key[2], len({line.order.id for line in days[key]}),
            sum(line.tickets for line in days[key]), sum(line.returned for line in days[key]),
            *money(days[key]), len(resold[key]), sum(one.price for one in resold[key]),
            sum(one.royalty for one in resold[key]),
        )
        for key in keys
    ]  # fmt: skip
    offered = len(found) - len(listed)
    assert offered <= len(naive.Offers(small_season).first())


async def test_events(export, small_season):
    lines, resold = defaultdict(list), defaultdict(list)
    for line in naive.sold(small_season):
        lines[line.show_id, line.order.currency].append(line)
    for one in small_season.resales:
        resold[one.show_id, one.currency].append(one)
    scanned = Counter(show for _, _, show in naive.admissions(small_season))
    transferred = Counter(
        show for _, show in {(one.ticket_id, one.show_id) for one in small_season.transfers}
    )
    shows = sorted(small_season.shows.values(), key=lambda show: (show.starts_at, str(show.id)))

    found = await export("events")

    assert list(dict.fromkeys(row["event_id"] for row in found)) == [str(show.id) for show in shows]
    told = {(row["event_id"], row["currency"]): row for row in found}
    assert len(told) == len(found)
    assert {(str(show), currency) for show, currency in {*lines, *resold}} <= {*told}
    for row in found:
        show = next(one for one in shows if str(one.id) == row["event_id"])
        own, market = lines[show.id, row["currency"]], resold[show.id, row["currency"]]
        assert (row["starts_at"], row["capacity"]) == (show.starts_at, show.capacity)
        assert row["order_count"] == len({line.order.id for line in own})
        assert row["sold_count"] == sum(line.tickets for line in own)
        assert tuple(row[name] for name in MONEY) == money(own)
        assert (row["resale_count"], row["resale_minor"]) == (len(market), sum(one.price for one in market))
        assert (row["scanned_count"], row["transferred_count"]) == (scanned[show.id], transferred[show.id])
        assert row["cancelled_at"] is None


async def test_a_window_of_events_is_one_of_starts(export, small_season):
    window = (small_season.now - timedelta(days=60), small_season.now)

    events, status = await export("events", window), await export("ticket_status", window)

    within = {str(one.id) for one in small_season.shows.values() if window[0] <= one.starts_at < window[1]}
    assert {row["event_id"] for row in events} == within
    assert {row["event_id"] for row in status} == within


async def test_venues(export, small_season, window):
    found = await export("venues", window)

    assert [row["venue_id"] for row in found] == sorted(row["venue_id"] for row in found)
    assert {row["venue_id"] for row in found} == {str(one.id) for one in small_season.venues}
    for venue in small_season.venues:
        clock = ZoneInfo(venue.time_zone)

        def counts(at, clock=clock, zone=venue.time_zone):
            return window[0] <= starts(at.astimezone(clock).date(), zone) < window[1]

        rows = {row["currency"]: row for row in found if row["venue_id"] == str(venue.id)}
        lines = defaultdict(list)
        for line in naive.sold(small_season):
            if line.order.venue_id == venue.id and counts(line.order.sold_at):
                lines[line.order.currency].append(line)
        assert {*lines} <= {*rows}
        seen = {
            (one.at.astimezone(clock).date(), one.session)
            for one in small_season.steps
            if one.venue_id == venue.id and counts(one.at)
        }
        of_venue = {one.ticket_id for one in small_season.scans if one.venue_id == venue.id}
        admitted = [
            at
            for (ticket, _, _), at in naive.admissions(small_season).items()
            if ticket in of_venue and counts(at)
        ]
        for currency, row in rows.items():
            assert row["order_count"] == len({line.order.id for line in lines[currency]})
            assert tuple(row[name] for name in MONEY) == money(lines[currency])
            assert (row["scanned_count"], row["daily_visitor_count"]) == (len(admitted), len(seen))


async def test_ticket_status(export, small_season):
    sold, returned = Counter(), Counter()
    for line in naive.sold(small_season):
        sold[str(line.type_id)] += line.tickets - line.returned
        returned[str(line.type_id)] += line.returned

    found = [row for row in await export("ticket_status") if row["ticket_type_id"]]

    types = {str(kind.id): (show, kind) for show in small_season.shows.values() for kind in show.types}
    assert sorted(row["ticket_type_id"] for row in found) == sorted(types)
    for row in found:
        show, kind = types[row["ticket_type_id"]]
        left = kind.capacity - kind.held - sold[row["ticket_type_id"]]
        assert (row["event_id"], row["ticket_type_name"], row["starts_at"]) == (
            str(show.id),
            kind.name,
            show.starts_at,
        )
        assert (row["capacity_count"], row["held_count"], row["available_count"]) == (
            kind.capacity,
            kind.held,
            max(0, left),
        )
        assert (row["sold_count"], row["refunded_count"]) == (
            sold[row["ticket_type_id"]],
            returned[row["ticket_type_id"]],
        )


async def test_marketplace(export, small_season, window):
    found = await export("marketplace", window)

    offers = [one for one in naive.Offers(small_season).first() if window[0] <= one.at < window[1]]
    resales = [one for one in small_season.resales if window[0] <= one.at < window[1]]
    listed = [(one.at, str(one.show_id), str(one.type_id), one.currency, 1, 0, 0, 0, None) for one in offers]
    resold = [
        (
            one.at, str(one.show_id), str(one.type_id), one.currency, 0, 1, one.price, one.royalty,
            one.price / one.face if one.face else None,
        )
        for one in resales
    ]  # fmt: skip
    columns = (
        "happened_at", "event_id", "ticket_type_id", "currency", "new_listing_count", "resale_count",
        "resale_minor", "royalty_minor", "price_ratio",
    )  # fmt: skip
    assert stand_in(found, columns) == sorted([*listed, *resold], key=lambda row: row[:2])
