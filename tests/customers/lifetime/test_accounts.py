"""Purchases as columns: read from a COPY, cut into local days, summed up per customer and currency."""

import io
import struct
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from services.customers.lifetime.accounts import place_of
from services.customers.lifetime.copy_file import HEADER
from services.customers.lifetime.copy_format import Column, read_purchases, written_rows
from services.customers.lifetime.purchases import customers_of, last_whole_day, local_days
from tests.customers.lifetime.histories import START, Row, copy_file, drawn_rows, naive_summaries

ZONES = [ZoneInfo("America/New_York"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("Australia/Lord_Howe")]
END = date(2024, 12, 20)


def mixed_rows():
    """Three zones, two currencies, several orders a day, free ones, returned ones, and a late stranger."""
    rows = drawn_rows(150, 5, venue_of=lambda n: n % 3, currency_of=lambda n: "USD" if n % 4 else "EUR")
    chance = np.random.default_rng(6)
    extra = []
    for row in rows[::3]:
        extra.append(replace(row, sold_at=row.sold_at + timedelta(hours=int(chance.integers(0, 40)))))
        extra.append(replace(row, currency="CHF", spend=int(chance.integers(0, 3)) * 777))
        extra.append(replace(row, count=0, spend=0))
    extra.append(Row(0, UUID(int=3), START + timedelta(days=399)))
    extra.append(Row(1, UUID(int=4), START, count=0, spend=-500))
    rows += extra
    return [rows[place] for place in chance.permutation(len(rows))]


def read(rows):
    purchases = read_purchases(io.BytesIO(copy_file(rows)))
    customers, codes = customers_of(purchases)
    return purchases, customers, codes


def test_a_copy_is_read_as_it_was_written():
    rows = mixed_rows()

    purchases, customers, codes = read(rows)

    assert [purchases.currencies[one] for one in purchases.currency] == [row.currency for row in rows]
    assert purchases.currencies == ("CHF", "EUR", "USD")
    assert purchases.venue.tolist() == [row.venue for row in rows]
    assert purchases.spend.tolist() == [row.spend for row in rows]
    assert purchases.stands.tolist() == [row.count == 1 for row in rows]
    ids = [
        UUID(int=(int(high) << 64) + int(low))
        for high, low in zip(customers.high, customers.low, strict=True)
    ]
    assert ids == sorted({row.customer for row in rows})
    assert [ids[code] for code in codes] == [row.customer for row in rows]


@pytest.mark.parametrize("damage", ["cut", "wider", "empty", "other"])
def test_a_copy_that_is_not_whole_is_refused(damage):
    whole = copy_file(mixed_rows()[:20])
    files = {
        "cut": whole[:-40],
        "wider": copy_file([Row(0, UUID(int=1), START, "EURO")]),
        "empty": HEADER,
        "other": b"PGCOPY",
    }

    with pytest.raises(ValueError, match="COPY"):
        read_purchases(io.BytesIO(files[damage]))


def test_no_purchases_are_none():
    purchases, customers, codes = read([])

    assert (len(purchases), len(customers), len(codes)) == (0, 0, 0)


def test_rows_are_written_with_their_nulls():
    numbers = np.arange(5)
    is_null = np.array([False, True, False, False, True])

    written = b"".join(written_rows([Column(numbers, ">i4"), Column(numbers * 1.5, ">f8", is_null)]))

    found, at = {}, 0
    while at < len(written):
        assert struct.unpack_from(">hi", written, at) == (2, 4)
        number, length = struct.unpack_from(">ii", written, at + 6)
        at += 14
        found[number] = None if length == -1 else struct.unpack_from(">d", written, at)[0]
        at += max(length, 0)
    assert found == {0: 0.0, 1: None, 2: 3.0, 3: 4.5, 4: None}


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu", "Africa/Cairo", "Pacific/Apia"])
def test_days_are_those_of_the_venues_clock(zone):
    clock = ZoneInfo(zone)
    moments = [datetime(2011, 1, 1, tzinfo=UTC) + timedelta(hours=5 * step) for step in range(4000)]
    rows = [Row(0, UUID(int=1), moment) for moment in moments]

    days = local_days(read(rows)[0], [clock])

    shown = [moment.astimezone(clock).date().toordinal() for moment in moments]
    turned_back = [day for day, naive in zip(days.tolist(), shown, strict=True) if day != naive]
    assert len(turned_back) <= 3  # the hour before midnight that comes a second time belongs to the new day
    assert last_whole_day(datetime(2024, 3, 31, 23, 30, tzinfo=UTC), ZoneInfo("Europe/Berlin")) == date(
        2024, 3, 31
    )


def test_histories_and_sums_are_those_of_a_naive_count():
    rows = mixed_rows()
    purchases, customers, codes = read(rows)
    ids = [
        UUID(int=(int(high) << 64) + int(low))
        for high, low in zip(customers.high, customers.low, strict=True)
    ]
    days = local_days(purchases, ZONES)

    place = place_of(purchases, codes, days, np.arange(len(rows)), end=END.toordinal())

    seen = place.histories.summaries
    found = {
        ids[customer]: (int(x), recency, age)
        for customer, x, recency, age in zip(
            place.histories.customers, seen.repeats, seen.recency, seen.age, strict=True
        )
    }
    assert found == naive_summaries(rows, ZONES, END)
    assert_accounts(place, rows, ids, purchases.currencies)


def assert_accounts(place, rows, ids, currencies):
    accounts = place.accounts
    local = {row: row.sold_at.astimezone(ZONES[row.venue]).date() for row in rows}
    own = defaultdict(list)
    for row in rows:
        own[row.customer, row.currency].append(row)
    kept = {
        key: bought
        for key, bought in own.items()
        if any(r.count for r in bought) or sum(r.spend for r in bought)
    }
    places = {
        (ids[customer], currencies[currency]): at
        for at, (customer, currency) in enumerate(zip(accounts.customer, accounts.currency, strict=True))
    }
    assert places.keys() == kept.keys()
    counted = {row for row in rows if row.count and local[row] <= END}
    first = {}
    for row in counted:
        first[row.customer] = min(local[row], first.get(row.customer, local[row]))
    for (customer, currency), at in places.items():
        bought = kept[customer, currency]
        assert accounts.historic[at] == sum(row.spend for row in bought)
        assert accounts.purchase_count[at] == sum(row.count for row in bought)
        later = [row for row in bought if row in counted and local[row] > first[customer]]
        assert accounts.repeats[at] == len({local[row] for row in later})
        if later:
            spent = sum(
                row.spend
                for row in bought
                if row.count and local[row] <= END and local[row] > first[customer]
            )
            assert accounts.spends[at] == pytest.approx(spent / accounts.repeats[at])
        else:
            assert np.isnan(accounts.spends[at])
        everything = [row for row in rows if row.customer == customer and row.count and local[row] <= END]
        in_this = [row for row in everything if row.currency == currency]
        assert accounts.share[at] == pytest.approx(len(in_this) / len(everything) if everything else 0)
        rivals = {
            code: (sum(r.count for r in own[customer, code]), sum(r.spend for r in own[customer, code]))
            for one, code in kept
            if one == customer
        }
        best = min(rivals, key=lambda code: (-rivals[code][0], -rivals[code][1], code))
        assert accounts.is_main[at] == (currency == best)
