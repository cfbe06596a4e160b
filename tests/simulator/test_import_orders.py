"""A purchase log becomes orders, exactly, and again the same orders."""

import gzip
from collections import Counter
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import protovalidate
import pytest

from deploy.local.import_orders import events_of, venue_updated
from deploy.local.purchase_log import BadPurchaseLog, read_purchases

TENANT, VENUE = UUID(int=1), UUID(int=2)
LOG = """customer_id,date,quantity,amount
00004,1997-01-01,2,29.33
00004,1997-01-18,2,29.73
00021,1997-01-01,3,63.34
00021,1997-01-01,3,63.34
00050,1997-12-31,1,0.10
00050,1998-03-29,7,0.00
"""


def written(tmp_path, text, name="log.csv"):
    path = tmp_path / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def purchases(tmp_path, text=LOG, *, name="log.csv", currency="USD", zone="UTC"):
    return list(read_purchases(written(tmp_path, text, name), currency=currency, zone=ZoneInfo(zone)))


def orders(found, *, tenant_id=TENANT, venue_id=VENUE):
    return events_of(found, tenant_id=tenant_id, venue_id=venue_id, channel="import")


@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz"])
def test_amounts_are_exact_to_the_cent(tmp_path, name):
    events = orders(purchases(tmp_path, name=name))

    assert [event.order_completed.gross.amount_minor for event in events] == [2933, 2973, 6334, 6334, 10, 0]
    assert sum(line.quantity for event in events for line in event.order_completed.lines) == 18
    assert events[0].occurred_at.ToDatetime(UTC) == datetime(1997, 1, 1, 12, tzinfo=UTC)


def test_the_same_file_gives_the_same_events_and_equal_rows_stay_distinct(tmp_path):
    first, second = orders(purchases(tmp_path)), orders(purchases(tmp_path))

    assert first == second
    assert len({event.event_id for event in first}) == 6
    assert len({event.order_completed.order_id for event in first}) == 6
    assert first[2].order_completed.customer_id == first[3].order_completed.customer_id


def test_a_file_that_has_grown_adds_only_its_new_rows(tmp_path):
    before = {event.event_id for event in orders(purchases(tmp_path))}
    lines = LOG.splitlines()
    grown = "\n".join([lines[0], "00009,1997-01-01,1,5.00", *reversed(lines[1:]), lines[4]])

    after = {event.event_id for event in orders(purchases(tmp_path, grown))}

    assert before < after
    assert len(after - before) == 2


def test_tenants_and_venues_share_no_ids(tmp_path):
    found = purchases(tmp_path)
    ids = [
        {event.event_id for event in events}
        for events in (
            orders(found),
            orders(found, tenant_id=UUID(int=3)),
            orders(found, venue_id=UUID(int=4)),
        )
    ]

    assert ids[0].isdisjoint(ids[1])
    assert ids[0].isdisjoint(ids[2])


def test_the_events_keep_the_rules_of_the_contract(tmp_path):
    venue = venue_updated(
        tenant_id=TENANT, venue_id=VENUE, name="log", currency="USD", time_zone="America/New_York"
    )

    for event in [venue, *orders(purchases(tmp_path))]:
        protovalidate.validate(event)


def test_a_date_is_noon_in_the_venues_zone(tmp_path):
    (one,) = purchases(tmp_path, "buyer,date,qty,total\na,2026-07-01,1,10\n", zone="Asia/Kathmandu")

    assert one.purchased_at.astimezone(UTC) == datetime(2026, 7, 1, 6, 15, tzinfo=UTC)


def test_headers_may_have_other_names_order_and_case(tmp_path):
    text = "Total,Purchase Date,note,Units,Customer\n12.5,2026-01-02T03:04:05+01:00,x,2,bob\n"

    (one,) = purchases(tmp_path, text, currency="EUR")

    assert (one.customer, one.quantity, one.amount.amount_minor) == ("bob", 2, 1250)
    assert one.purchased_at.astimezone(UTC) == datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("customer,date,amount\n", "line 1: no column for the quantity"),
        ("customer,date,quantity,amount\na,1.1.97,1,2\n", "line 2, column date .number 2.: '1.1.97'"),
        ("customer,date,quantity,amount\na,1997-01-01,0,2\n", "line 2, column quantity .number 3.: '0'"),
        ("customer,date,quantity,amount\na,1997-01-01,1.5,2\n", "column quantity"),
        ("customer,date,quantity,amount\na,1997-01-01,1,2.999\n", "column amount .number 4.: '2.999'"),
        ("customer,date,quantity,amount\na,1997-01-01,1,NaN\n", "column amount"),
        ("customer,date,quantity,amount\na,1997-01-01,1,-2\n", "is negative"),
        ("customer,date,quantity,amount\n,1997-01-01,1,2\n", "column customer .number 1.: '' is missing"),
        ("customer,date,quantity,amount\na,1997-01-01,1,2\na,1997-01-01\n", "line 3, column quantity"),
    ],
)
def test_what_cannot_be_understood_is_named_by_line_and_column(tmp_path, text, message):
    with pytest.raises(BadPurchaseLog, match=message):
        purchases(tmp_path, text)


def test_currencies_without_cents_take_whole_amounts_only(tmp_path):
    header = "customer,date,quantity,amount\n"

    assert purchases(tmp_path, header + "a,1997-01-01,1,500\n", currency="JPY")[0].amount.amount_minor == 500
    with pytest.raises(BadPurchaseLog, match="JPY"):
        purchases(tmp_path, header + "a,1997-01-01,1,500.5\n", currency="JPY")


def test_many_equal_rows_are_counted(tmp_path):
    text = "customer,date,quantity,amount\n" + "a,1997-01-01,1,2.00\n" * 50

    found = purchases(tmp_path, text)

    assert Counter(one.occurrence for one in found) == dict.fromkeys(range(1, 51), 1)
