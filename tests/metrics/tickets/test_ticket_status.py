"""Ticket status equals a recount of the log, page by page."""

import json
from collections import defaultdict
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from tickettoken.metrics.v1 import marketplace_pb2

from libs.common.bus.consumer import service_caller
from libs.common.context import TenantScope, acting_as
from libs.common.errors import VenueNotFound
from libs.common.paging import PageTokenInvalid, PageTokens
from services.metrics.errors import EventNotFound
from services.metrics.tickets import status_store
from services.metrics.tickets.status import TicketStatuses
from tests.metrics.platform import oracle, oracle_tickets
from tests.metrics.platform.evening import evening
from tests.metrics.read_models.test_read_models import deliver
from tests.platform import events as make
from tests.platform.events import NOON


@pytest.fixture
def ask(database, venues, cache):
    """One page for a tenant, with its venue grant."""
    statuses = TicketStatuses(database, venues, cache, PageTokens(b"p" * 32))

    async def page(tenant, *, grant=None, **request):
        scope = TenantScope(tenant, grant)
        filled = {name: str(value) if isinstance(value, UUID) else value for name, value in request.items()}
        with acting_as(service_caller("metrics", tenant)):
            return await statuses.page(scope, marketplace_pb2.GetTicketStatusRequest(**filled))

    return page


async def everything(ask, tenant, *, page_size=1000, **request):
    """All entries over all pages, and the sizes of the pages."""
    entries, sizes, token = [], [], ""
    while True:
        answer = await ask(tenant, page_size=page_size, page_token=token, **request)
        entries += answer.tickets
        sizes.append(len(answer.tickets))
        token = answer.next_page_token
        if not token:
            return entries, sizes


def figures(entry):
    return {
        "sold": entry.sold_count,
        "refunded": entry.refunded_count,
        "transferred": entry.transferred_count,
        "listed": entry.listed_count,
        "resold": entry.resold_count,
        "scanned": entry.scanned_count,
    }


def recounted(made):
    """Figures by show and type; every described type has an entry."""
    expected = defaultdict(lambda: dict.fromkeys(figures(marketplace_pb2.TicketStatus()), 0))
    for ticket_type, show in made.types.items():
        expected[str(show), str(ticket_type)].update()
    for key, count in oracle.sold(made.log).items():
        expected[key]["sold"] += count
    for key, counts in oracle_tickets.status(made.log).items():
        if any(counts.values()):
            expected[key].update(counts)
    return dict(expected)


@pytest.mark.parametrize("seed", [31, 32, 33])
async def test_a_shuffled_evening_adds_up_by_show_and_type(handler, ask, seed):
    made = evening(seed)

    await deliver(handler, made.arrivals(seed), seed)
    entries, _ = await everything(ask, made.tenant_id)

    assert {(entry.event_id, entry.ticket_type_id): figures(entry) for entry in entries} == recounted(made)
    for entry in entries:
        described = bool(entry.ticket_type_id)
        assert (entry.capacity_count, entry.held_count) == ((100, 3) if described else (0, 0))
        assert entry.available_count == (97 - entry.sold_count if described else 0)
        assert (entry.event_name, entry.ticket_type_name) == ("Premiere", "Stalls" if described else "")


async def test_sold_and_returned_tickets_are_told_apart(handler, ask):
    tenant, venue, show, stalls, order = (uuid4() for _ in range(5))

    await deliver(
        handler,
        [
            make.order_completed(tenant, venue, order, show=show, lines=[(4, 1_000, stalls)]),
            make.order_refunded(tenant, venue, order, amount=1_000, lines=[(1, stalls)]),
            make.order_completed(tenant, venue, lines=[(2, 1_000, stalls)]),
            make.ticket_type_updated(tenant, venue, show, stalls, capacity=5, held=1, at=NOON),
        ],
    )
    (entry,), _ = await everything(ask, tenant, event_id=show)

    assert (entry.sold_count, entry.refunded_count, entry.available_count) == (5, 1, 0)


async def test_a_transferred_ticket_is_of_the_type_that_an_offer_or_a_scan_tells(handler, ask):
    tenant, venue, show, stalls, ticket = (uuid4() for _ in range(5))
    await deliver(handler, [make.ticket_transferred(tenant, venue, ticket, show=show)])
    before, _ = await everything(ask, tenant)

    await deliver(handler, [make.ticket_listed(tenant, venue, show=show, ticket=ticket, ticket_type=stalls)])
    after, _ = await everything(ask, tenant)

    assert [(entry.ticket_type_id, entry.transferred_count, entry.listed_count) for entry in before] == [
        ("", 1, 0)
    ]
    assert [(entry.ticket_type_id, entry.transferred_count, entry.listed_count) for entry in after] == [
        (str(stalls), 1, 1)
    ]


async def test_a_ticket_with_two_offers_is_listed_once_until_both_are_withdrawn(handler, ask):
    tenant, venue, show, ticket, one, two = (uuid4() for _ in range(6))

    async def listed():
        entries, _ = await everything(ask, tenant)
        return [entry.listed_count for entry in entries]

    def offer(listing, version, status="active"):
        return make.ticket_listed(
            tenant, venue, listing, show=show, ticket=ticket, version=version, status=status
        )

    await deliver(handler, [offer(one, 1), offer(two, 1)])
    both = await listed()
    await deliver(handler, [offer(one, 2, "withdrawn")])
    second = await listed()
    await deliver(handler, [offer(two, 2, "withdrawn")])

    assert (both, second, await listed()) == ([1], [1], [])


@pytest.mark.parametrize("page_size", [1, 2, 3, 7])
async def test_pages_have_every_entry_once_by_start_and_name(handler, ask, page_size):
    tenant, venue = uuid4(), uuid4()
    log, described = [], []
    for number in range(5):
        show = uuid4()
        starts_at = NOON + timedelta(days=number // 2)
        if number < 4:
            log.append(make.event_created(tenant, venue, show, starts_at=starts_at))
        for name in ("Balcony", "Stalls", "Stalls", "Ärzteloge"):
            ticket_type = uuid4()
            described.append((str(show), str(ticket_type)))
            log.append(make.ticket_type_updated(tenant, venue, show, ticket_type, name=name))
    log += [make.event_created(tenant, venue, uuid4(), starts_at=NOON) for _ in range(3)]
    log += [make.order_completed(tenant, venue, show=uuid4()) for _ in range(2)]

    await deliver(handler, log)
    entries, sizes = await everything(ask, tenant, page_size=page_size)
    whole, _ = await everything(ask, tenant)

    assert set(sizes[:-1]) == {page_size}
    assert entries == whole
    keys = [(entry.event_id, entry.ticket_type_id) for entry in entries]
    assert len(keys) == len(set(keys)) == 22
    assert set(described) < set(keys)
    starts = {event.entity_id: oracle_start(event) for event in log if event.type == "event.created"}
    order = [starts.get(entry.event_id, "unknown") for entry in entries]
    assert order == sorted(order)
    of_first = [entry.ticket_type_name for entry in entries if entry.event_id == entries[0].event_id]
    assert of_first == ["Balcony", "Stalls", "Stalls", "Ärzteloge"] or of_first == sorted(of_first)


def oracle_start(event):
    return event.event_created.show.starts_at.ToJsonString()


async def test_of_the_given_shows_alone_tickets_are_counted(handler, database):
    """However many shows there are, a page does not look up those it does not answer."""
    tenant, venue = uuid4(), uuid4()
    shows = [uuid4() for _ in range(60)]
    described = [make.ticket_type_updated(tenant, venue, show, uuid4()) for show in shows]
    await deliver(handler, described)

    async with database.transaction(TenantScope(tenant)) as conn:
        explain = "explain (analyze, timing off, format json) " + status_store._STATUS
        plan = json.loads(await conn.fetchval(explain, tenant, shows[:5], None, None, None, 100))

    lookups = [node for node in nodes(plan[0]["Plan"]) if node.get("Relation Name") == "ticket_counts"]
    assert lookups
    assert max(node["Actual Loops"] for node in lookups) <= 5


def nodes(plan):
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


async def test_answers_follow_the_facts_through_the_cache(handler, ask):
    tenant, venue, show, ticket = (uuid4() for _ in range(4))

    async def seen(**request):
        return [figures(entry)["scanned"] for entry in (await ask(tenant, **request)).tickets]

    await deliver(handler, [make.order_completed(tenant, venue, show=show)])
    before = await seen(), await seen(venue_id=venue), await seen(event_id=show)
    await deliver(handler, [make.ticket_scanned(tenant, venue, ticket, show=show)])
    after = await seen(), await seen(venue_id=venue), await seen(event_id=show)

    assert (before, after) == (([0], [0], [0]), ([1], [1], [1]))


async def test_as_of_is_the_newest_fact(handler, ask):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    later = NOON + timedelta(hours=2)
    await deliver(
        handler,
        [
            make.order_completed(tenant, venue, show=show),
            make.ticket_scanned(tenant, venue, show=show, result="exited", at=later),
            make.ticket_scanned(tenant, venue, show=show, at=later - timedelta(hours=1)),
        ],
    )

    assert (await ask(tenant)).as_of.ToDatetime(NOON.tzinfo) == later
    assert not (await ask(uuid4())).HasField("as_of")


async def test_what_is_not_the_callers_is_not_found(handler, ask):
    tenant, venue, other, show = (uuid4() for _ in range(4))
    await deliver(
        handler,
        [
            make.ticket_scanned(tenant, venue, show=show),
            make.ticket_scanned(tenant, other, show=uuid4()),
        ],
    )

    for refused in (
        ask(uuid4(), venue_id=venue),
        ask(tenant, venue_id=uuid4()),
        ask(tenant, venue_id=venue, grant=frozenset({other})),
    ):
        with pytest.raises(VenueNotFound):
            await refused
    for refused in (
        ask(uuid4(), event_id=show),
        ask(tenant, event_id=uuid4()),
        ask(tenant, venue_id=other, event_id=show),
    ):
        with pytest.raises(EventNotFound):
            await refused
    assert len((await ask(tenant)).tickets) == 2


async def test_a_token_continues_only_the_same_question_of_the_same_tenant(handler, ask):
    tenant, venue = uuid4(), uuid4()
    await deliver(handler, [make.ticket_scanned(tenant, venue, show=uuid4()) for _ in range(3)])
    token = (await ask(tenant, page_size=1)).next_page_token

    assert len((await ask(tenant, page_size=2, page_token=token)).tickets) == 2
    for refused in (
        ask(tenant, venue_id=venue, page_token=token),
        ask(uuid4(), page_token=token),
        ask(tenant, page_token=token[:-2] + "xx"),
    ):
        with pytest.raises(PageTokenInvalid):
            await refused
