"""What a batch of tickets' events changes elsewhere: days, answers kept, live figures."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from libs.common.bus.consumer import service_caller
from libs.common.context import TenantScope, acting_as
from services.metrics.namespaces import Topic
from services.metrics.tickets import recording
from tests.metrics.platform import oracle_tickets
from tests.metrics.platform.evening import evening
from tests.metrics.read_models.test_read_models import deliver
from tests.platform import events as make
from tests.platform.events import NOON

MINUTE = timedelta(minutes=1)


async def recorded(database, tenant, *events):
    """What one batch changed."""
    with acting_as(service_caller("metrics", tenant)):
        async with database.transaction(TenantScope(tenant)) as conn:
            return await recording.record(conn, tenant, events)


def daily(*changes):
    days = Counter()
    for change in changes:
        for fact in change.daily:
            assert fact.currency == ""
            for name, number in fact.figures.items():
                days[fact.venue_id, fact.event_id, fact.at, name] += number
    return {key: number for key, number in days.items() if number}


async def test_daily_facts_are_first_admissions_and_first_transfers(database):
    made = evening(15)
    batches = made.arrivals(5, again=0)
    ours = [event for event in batches if event.type in recording.TYPES]

    changes = [
        await recorded(database, made.tenant_id, *ours[start : start + 17])
        for start in range(0, len(ours), 17)
    ]

    expected = Counter()
    for ticket in oracle_tickets.tickets(made.log).values():
        for at, name in (
            (ticket.admitted_at, "scanned_count"),
            (ticket.transferred_at, "transferred_count"),
        ):
            if at is not None:
                quarter = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
                expected[UUID(ticket.venue), UUID(ticket.show), quarter, name] += 1
    assert daily(*changes) == expected


async def test_an_earlier_admission_takes_its_day_along(database):
    tenant, venue, show, ticket = (uuid4() for _ in range(4))
    earlier = NOON - timedelta(days=1)

    first = await recorded(database, tenant, make.ticket_scanned(tenant, venue, ticket, show=show))
    second = await recorded(
        database, tenant, make.ticket_scanned(tenant, venue, ticket, show=show, at=earlier)
    )
    third = await recorded(
        database, tenant, make.ticket_scanned(tenant, venue, ticket, show=show, at=NOON + MINUTE)
    )

    assert daily(first) == {(venue, show, NOON, "scanned_count"): 1}
    assert daily(second) == {
        (venue, show, NOON, "scanned_count"): -1,
        (venue, show, earlier, "scanned_count"): 1,
    }
    assert daily(third) == {}


async def test_answers_about_the_scans_and_the_shows_venue_are_stale(database, handler):
    tenant, venue, home, show, ticket = (uuid4() for _ in range(5))
    await deliver(handler, [make.event_created(tenant, home, show)])

    changes = await recorded(database, tenant, make.ticket_scanned(tenant, venue, ticket, show=show))

    assert changes.venues == {Topic.TICKETS: {venue, home}, Topic.VISITS: {venue, home}}


async def test_a_statement_that_changes_no_ticket_still_ends_answers_at_the_shows_venue(database, handler):
    """An offer may be withdrawn by an event that is older than what is known of its ticket."""
    tenant, venue, home, show, ticket = (uuid4() for _ in range(5))
    offer = make.ticket_listed(tenant, venue, show=show, ticket=ticket, status="withdrawn", at=NOON - MINUTE)
    await deliver(handler, [make.event_created(tenant, home, show)])
    await deliver(handler, [make.ticket_scanned(tenant, venue, ticket, show=show)])

    changes = await recorded(database, tenant, offer)

    assert changes.venues[Topic.TICKETS] == {venue, home}


async def test_new_scans_are_live_once(handler, as_admin):
    tenant, venue, show, ticket = (uuid4() for _ in range(4))
    now = datetime.now(UTC)
    log = [
        make.ticket_scanned(tenant, venue, ticket, show=show, at=now),
        make.ticket_scanned(tenant, venue, show=show, at=now),
        make.ticket_scanned(tenant, venue, show=show, at=now - timedelta(days=1)),
        make.ticket_scanned(tenant, venue, show=show, result="exited", at=now),
        make.ticket_scanned(tenant, venue, ticket, show=show, result="refused", at=now),
    ]

    await deliver(handler, log)
    await deliver(handler, log)
    await deliver(
        handler, [make.ticket_scanned(tenant, venue, ticket, show=show, result="readmitted", at=now)]
    )

    live = await as_admin.fetch(
        "select metric_type, sum(value_sum)::int from realtime_metrics where tenant_id = $1"
        " group by 1 order by 1",
        tenant,
    )
    assert [tuple(row) for row in live] == [("scans_refused", 1), ("tickets_admitted", 2)]
