"""The tables of tickets hold what the log says, however it arrives."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from libs.common.bus.port import DONE, Delivery
from tests.metrics.platform import oracle_tickets
from tests.metrics.platform.evening import evening
from tests.metrics.read_models.test_read_models import deliver
from tests.platform import events as make
from tests.platform.events import NOON

MINUTE = timedelta(minutes=1)

# Grain: row of a sum. Each is empty exactly when the sums are what the tickets and scans add up to.
STATUS_ERRORS = """
with facts as (
    select event_id, coalesce(ticket_type_id, '00000000-0000-0000-0000-000000000000') as ticket_type_id,
           venue_id, count(first_admitted_at) as a, count(*) filter (where is_inside) as i,
           count(first_transferred_at) as t, count(first_resold_at) as r
      from tickets where tenant_id = $1 group by 1, 2, 3
)
select * from facts full join (select * from ticket_status_counts where tenant_id = $1) as kept
 using (event_id, ticket_type_id, venue_id)
 where (coalesce(a, 0), coalesce(i, 0), coalesce(t, 0), coalesce(r, 0))
    is distinct from (admitted_count, inside_count, transferred_count, resold_count)
"""
GATE_ERRORS = """
with facts as (
    select event_id, gate, venue_id, sum(a) as a, sum(r) as r, max(last) as last from (
        select event_id, first_gate as gate, venue_id, 1 as a, 0 as r, null::timestamptz as last
          from tickets where tenant_id = $1 and first_admitted_at is not null
         union all
        select event_id, gate, venue_id, 0, (result = 'refused')::int, scanned_at
          from scans where tenant_id = $1) as each group by 1, 2, 3
)
select * from facts full join (select * from gates where tenant_id = $1) as kept
 using (event_id, gate, venue_id)
 where (coalesce(a, 0), coalesce(r, 0), last) is distinct from (admitted_count, refused_count, last_scan_at)
"""
MINUTE_ERRORS = """
with facts as (
    select event_id, gate, venue_id, date_trunc('minute', at) as minute_start, sum(a) as a, sum(r) as r from (
        select event_id, first_gate as gate, venue_id, first_admitted_at as at, 1 as a, 0 as r
          from tickets where tenant_id = $1 and first_admitted_at is not null
         union all
        select event_id, gate, venue_id, scanned_at, 0, 1
          from scans where tenant_id = $1 and result = 'refused') as each group by 1, 2, 3, 4
)
select * from facts full join (select * from gate_minutes where tenant_id = $1) as kept
 using (event_id, gate, venue_id, minute_start)
 where (coalesce(a, 0), coalesce(r, 0)) is distinct from (admitted_count, refused_count)
"""
ROLLUP_ERRORS = """
with facts as (
    select event_id, venue_id, bucket_minutes,
           date_bin(make_interval(mins => bucket_minutes), first_admitted_at, 'epoch') as bucket_start,
           count(*) as a
      from tickets, unnest(array[15, 1440]) as bucket_minutes
     where tenant_id = $1 and first_admitted_at is not null group by 1, 2, 3, 4
)
select * from facts full join (select * from admission_rollup where tenant_id = $1) as kept
 using (event_id, venue_id, bucket_minutes, bucket_start)
 where coalesce(a, 0) is distinct from admitted_count
"""
SUMS = (STATUS_ERRORS, GATE_ERRORS, MINUTE_ERRORS, ROLLUP_ERRORS)
STATE = """
select ticket_id, event_id, venue_id, ticket_type_id, first_admitted_at, first_gate, is_inside,
       first_transferred_at, first_resold_at
  from tickets where tenant_id = $1 order by ticket_id
"""


async def sums_are_right(as_admin, tenant_id):
    for statement in SUMS:
        assert await as_admin.fetch(statement, tenant_id) == []


async def counts(as_admin, tenant_id):
    row = await as_admin.fetchrow(
        "select (select count(*) from scans where tenant_id = $1),"
        " (select count(*) from tickets where tenant_id = $1),"
        " (select coalesce(sum(refused_count), 0)::int from gates where tenant_id = $1)",
        tenant_id,
    )
    return tuple(row)


@pytest.mark.parametrize("seed", [11, 12, 13])
async def test_shuffled_repeated_and_late_events_add_up(handler, as_admin, seed):
    made = evening(seed)

    await deliver(handler, made.arrivals(seed), seed)
    await deliver(handler, made.arrivals(seed + 100), seed)

    await sums_are_right(as_admin, made.tenant_id)
    expected = oracle_tickets.tickets(made.log)
    rows = {str(row["ticket_id"]): row for row in await as_admin.fetch(STATE, made.tenant_id)}
    assert rows.keys() == expected.keys()
    for ticket_id, ticket in expected.items():
        row = rows[ticket_id]
        assert (str(row["event_id"]), str(row["venue_id"])) == (ticket.show, ticket.venue)
        assert str(row["ticket_type_id"] or "") == ticket.type
        assert (row["first_admitted_at"], row["first_transferred_at"]) == (
            ticket.admitted_at,
            ticket.transferred_at,
        )
        assert (bool(row["is_inside"]), row["first_resold_at"] is not None) == (ticket.inside, ticket.resold)


async def test_a_log_that_is_replayed_after_the_inbox_forgot_changes_nothing(handler, as_admin):
    made = evening(14)
    await deliver(handler, made.arrivals(1))
    before = await as_admin.fetch(STATE, made.tenant_id), await counts(as_admin, made.tenant_id)

    await as_admin.execute("delete from inbox where tenant_id = $1", made.tenant_id)
    await deliver(
        handler, [one for one in made.arrivals(2) if one.type in ("ticket.scanned", "ticket.transferred")]
    )

    assert before == (await as_admin.fetch(STATE, made.tenant_id), await counts(as_admin, made.tenant_id))
    await sums_are_right(as_admin, made.tenant_id)


async def test_a_ticket_that_turns_out_to_be_of_another_show_and_type_moves(handler, as_admin):
    tenant, venue, elsewhere, show, other, stalls, ticket = (uuid4() for _ in range(7))

    await deliver(
        handler,
        [
            make.ticket_scanned(tenant, venue, ticket, show=show, gate="A"),
            make.ticket_transferred(tenant, venue, ticket, show=show, at=NOON - MINUTE),
        ],
    )
    await deliver(
        handler,
        [
            make.ticket_scanned(
                tenant, elsewhere, ticket, show=other, ticket_type=stalls, result="exited", at=NOON + MINUTE
            )
        ],
    )

    await sums_are_right(as_admin, tenant)
    moved = await as_admin.fetch(
        "select event_id, ticket_type_id, venue_id, admitted_count, inside_count, transferred_count"
        " from ticket_status_counts where tenant_id = $1 and (admitted_count <> 0 or transferred_count <> 0)",
        tenant,
    )
    assert [tuple(row) for row in moved] == [(other, stalls, elsewhere, 1, 0, 1)]


@pytest.mark.parametrize("days", [-900, 200])
async def test_a_scan_of_a_month_without_partition_counts_by_its_ticket(handler, as_admin, days):
    """It fails no batch; its refusals are not counted, because their repeats could not be told apart."""
    tenant, venue, show, ticket = (uuid4() for _ in range(4))
    at = datetime.now(UTC) + timedelta(days=days)
    batch = [
        make.ticket_scanned(tenant, venue, ticket, show=show, at=at),
        make.ticket_scanned(tenant, venue, show=show, result="refused", at=at),
        make.ticket_scanned(tenant, venue, ticket, show=show, result="refused"),
    ]

    settlements = await handler([Delivery(event, 1) for event in batch])

    assert settlements == [DONE] * 3
    assert await counts(as_admin, tenant) == (1, 1, 1)
    assert await as_admin.fetchval("select first_admitted_at from tickets where ticket_id = $1", ticket) == at
    rollup = "select sum(admitted_count)::int from admission_rollup where tenant_id = $1"
    assert await as_admin.fetchval(rollup, tenant) == 2


async def test_an_earlier_admission_moves_from_an_old_month_to_a_kept_one_and_back(handler, as_admin):
    tenant, venue, show, ticket = (uuid4() for _ in range(4))
    long_ago = datetime.now(UTC) - timedelta(days=900)

    await deliver(handler, [make.ticket_scanned(tenant, venue, ticket, show=show)])
    await deliver(handler, [make.ticket_scanned(tenant, venue, ticket, show=show, at=long_ago)])

    minutes = "select sum(admitted_count)::int from gate_minutes where tenant_id = $1"
    assert await as_admin.fetchval(minutes, tenant) == 0
    assert await as_admin.fetch(ROLLUP_ERRORS, tenant) == []


@pytest.mark.parametrize(
    "table", ["tickets", "scans", "ticket_status_counts", "gates", "gate_minutes", "admission_rollup"]
)
async def test_without_a_tenant_no_row_is_visible(database, handler, as_admin, table):
    tenant, show = uuid4(), uuid4()
    scans = [make.ticket_scanned(tenant, uuid4(), show=show, result=what) for what in ("admitted", "refused")]
    await deliver(handler, scans)

    async with database.infrastructure() as conn:
        seen = await conn.fetchval(f"select count(*) from {table}")

    assert seen == 0
    assert await as_admin.fetchval(f"select count(*) from {table}") > 0
