"""Segments, scores and lists of customers of a running service, against naive recounts."""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from google.protobuf import json_format
from tickettoken.customers.v1 import profile_pb2, rfm_pb2, segments_pb2

from deploy.local.credentials import PERMISSIONS
from libs.common.bus import open_bus
from libs.common.bus.consumer import service_caller
from libs.common.bus.port import DONE
from libs.common.context import TenantScope, acting_as
from tests.customers.people.shoppers import bought, by, record, registered, updated
from tests.customers.rfm import comparing
from tests.metrics.serving import bad_fields, eventually_equal, refused
from tests.platform import events as make

ZONE = "America/New_York"
WITHOUT_PII = frozenset(PERMISSIONS) - {"analytics.pii"}
PRICES = (1_000, 2_500, 4_000, 9_000)


class Season:
    """Purchases of twelve people at three venues, in two currencies, some months back from now."""

    def __init__(self):
        self.now = datetime.now(UTC)
        self.tenant, self.venues = uuid4(), [uuid4() for _ in range(3)]
        self.people = sorted(uuid4() for _ in range(12))
        self.zones = dict.fromkeys(self.venues, ZONE)
        self.rows = []
        for place, person in enumerate(self.people):
            for number in range(1 + place % 4):
                venue = self.venues[(place + number) % 3]
                sold_at = self.now - timedelta(days=3 + 31 * place + 17 * number, hours=1)
                currency = "USD" if (place + number) % 5 == 0 else "EUR"
                price = PRICES[(place + number) % 4] + place
                self.rows.append((venue, person, sold_at, currency, 1, price))

    def events(self):
        for venue in self.venues:
            yield make.venue_updated(self.tenant, venue, time_zone=ZONE)
        for venue, person, sold_at, currency, _, price in self.rows:
            yield bought(self.tenant, venue, person, lines=((1, price),), currency=currency, at=sold_at)
        for place, person in enumerate(self.people):
            yield registered(
                self.tenant,
                person,
                name=f"Ada Byron {place}",
                email=f"ada{place}@example.org",
                marketing_consent=place % 2 == 0,
                tags=["member"] if place % 3 == 0 else [],
            )

    def at(self, *venues):
        """People and their scores, recounted from what these venues sold."""
        rows = [row for row in self.rows if row[0] in venues]
        people = comparing.people_at(rows, self.zones, self.now)
        return people, comparing.scored(people, comparing.today_at(self.zones, self.now))


@pytest.fixture
def score(scoring_runs):
    async def score(tenant):
        with acting_as(service_caller("customers", tenant)):
            await scoring_runs.run(TenantScope(tenant), as_of=datetime.now(UTC))

    return score


@pytest.fixture
async def season(handler, score):
    made = Season()
    await record(handler, list(made.events()))
    await score(made.tenant)
    return made


@pytest.fixture
async def client(customers_process, season):
    async with customers_process.client(season.tenant) as client:
        yield client


def told(answer):
    """Customers by segment, and spend by segment and currency, of those that scores make."""
    counts = {one.segment: one.customer_count for one in answer.segments if one.customer_count}
    spends = {
        (one.segment, spend.currency): spend.amount_minor
        for one in answer.segments
        for spend in one.spends
        if spend.amount_minor
    }
    return counts, spends


def condition(field, operator, value):
    key = {float: "number", int: "number", list: "values", bool: "flag"}[type(value)]
    return segments_pb2.SegmentCondition(field=field, operator=operator, **{key: value})


def creating(venue, name, *conditions):
    return segments_pb2.CreateSegmentRequest(
        venue_id=str(venue),
        name=name,
        predicate=segments_pb2.SegmentPredicate(conditions=[condition(*one) for one in conditions]),
    )


async def members(client, venue, segment):
    answer = await client.insights.ListVenueCustomers(
        segments_pb2.ListVenueCustomersRequest(venue_id=str(venue), segment=segment), metadata=client.metadata
    )
    return {one.customer_id for one in answer.customers}


async def test_the_three_routes_tell_the_same_segments_as_a_naive_recount(client, season):
    venue = str(season.venues[0])

    found = await client.customers.ListCustomerSegments(
        segments_pb2.ListCustomerSegmentsRequest(venue_id=venue), metadata=client.metadata
    )
    of_insights = await client.insights.ListVenueCustomerSegments(
        segments_pb2.ListVenueCustomerSegmentsRequest(venue_id=venue), metadata=client.metadata
    )
    of_analytics = await client.analytics.GetSegments(
        segments_pb2.GetSegmentsRequest(venue_id=venue), metadata=client.metadata
    )

    people, scores = season.at(season.venues[0])
    assert told(found) == comparing.totals_of(people, scores)
    assert found.customer_count == len(people)
    assert sum(one.share_ratio for one in found.segments) == pytest.approx(1)
    today = comparing.today_at(season.zones, season.now)
    for one in found.segments:
        ages = [(today - people[who]["day"]).days for who in people if scores[who][3] == one.segment]
        assert not ages or one.average_recency_days == pytest.approx(sum(ages) / len(ages))
    same = [json_format.MessageToDict(answer) for answer in (found, of_insights, of_analytics)]
    for one in same:  # the service's own run may come between two of them and find the same
        del one["scoring"]["computedTime"]
    assert same[0] == same[1] == same[2]


async def test_segments_of_the_tenant_compare_everyone_and_those_of_a_grant_only_its_venues(
    client, customers_process, season
):
    whole = await client.analytics.GetSegments(segments_pb2.GetSegmentsRequest(), metadata=client.metadata)
    granted = season.venues[:2]
    async with customers_process.client(season.tenant, venue_ids=granted) as narrow:
        of_grant = await narrow.analytics.GetSegments(
            segments_pb2.GetSegmentsRequest(), metadata=narrow.metadata
        )
        other = segments_pb2.GetSegmentsRequest(venue_id=str(season.venues[2]))
        refusal = await refused(narrow.analytics.GetSegments(other, metadata=narrow.metadata))

    assert told(whole) == comparing.totals_of(*season.at(*season.venues))
    assert told(of_grant) == comparing.totals_of(*season.at(*granted))
    assert refusal == ("NOT_FOUND", "VENUE_NOT_FOUND")


async def test_a_grant_of_one_venue_is_told_what_the_venue_is(customers_process, client, season):
    venue = season.venues[1]
    own = creating(venue, "often", ("order_count", ">", 1))
    await client.customers.CreateSegment(own, metadata=client.metadata)
    async with customers_process.client(season.tenant, venue_ids=[venue]) as narrow:
        of_grant = await narrow.analytics.GetSegments(
            segments_pb2.GetSegmentsRequest(), metadata=narrow.metadata
        )

    assert told(of_grant) == comparing.totals_of(*season.at(venue))
    assert "often" not in {one.segment for one in of_grant.segments}


async def test_venues_with_too_many_customers_are_not_compared_for_one_call(
    customers_process, season, as_admin
):
    granted = season.venues[:2]
    await as_admin.execute(
        "update rfm_runs set customer_count = 100001 where tenant_id = $1 and venue_id = any($2::uuid[])",
        season.tenant,
        granted,
    )
    async with customers_process.client(season.tenant, venue_ids=granted) as narrow:
        call = narrow.analytics.GetSegments(segments_pb2.GetSegmentsRequest(), metadata=narrow.metadata)
        assert await refused(call) == ("FAILED_PRECONDITION", "TOO_MANY_CUSTOMERS")


async def test_a_customers_scores_are_told_with_their_measures(client, season):
    venue = season.venues[1]
    people, scores = season.at(venue)
    today = comparing.today_at(season.zones, season.now)

    for person, one in people.items():
        answer = await client.customers.GetRfm(
            rfm_pb2.GetRfmRequest(venue_id=str(venue), customer_id=str(person)), metadata=client.metadata
        )

        found = answer.scores
        assert (
            found.recency_score,
            found.frequency_score,
            found.monetary_score,
            found.segment,
        ) == scores[person]
        assert found.recency_days == (today - one["day"]).days
        assert found.order_count == one["orders"]
        assert (found.spend.amount_minor, found.spend.currency) == (one["spend"], one["currency"])
        assert {each.currency: each.amount_minor for each in found.other_spends} == one["others"]
        assert (found.window_days, found.ranked_customer_count) == (365, len(people))


async def test_whoever_never_bought_has_no_scores_and_strangers_are_not_found(
    client, customers_process, season, handler
):
    venue, guest = season.venues[0], uuid4()
    passed = make.ticket_transferred(season.tenant, venue, uuid4(), show=uuid4())
    await record(handler, [by(by(passed, season.people[0], "from_customer_id"), guest, "to_customer_id")])
    asked = rfm_pb2.GetRfmRequest(venue_id=str(venue), customer_id=str(guest))

    answer = await client.customers.GetRfm(asked, metadata=client.metadata)

    assert not answer.HasField("scores")
    unknown = rfm_pb2.GetRfmRequest(venue_id=str(venue), customer_id=str(uuid4()))
    assert await refused(client.customers.GetRfm(unknown, metadata=client.metadata)) == (
        "NOT_FOUND",
        "CUSTOMER_NOT_FOUND",
    )
    async with customers_process.client(uuid4()) as stranger:
        refusals = [
            await refused(stranger.customers.GetRfm(asked, metadata=stranger.metadata)),
            await refused(
                stranger.customers.CreateSegment(
                    creating(venue, "mine", ("order_count", ">=", 1)), metadata=stranger.metadata
                )
            ),
            await refused(
                stranger.insights.ListVenueCustomers(
                    segments_pb2.ListVenueCustomersRequest(venue_id=str(venue)), metadata=stranger.metadata
                )
            ),
        ]
    assert refusals == [("NOT_FOUND", "VENUE_NOT_FOUND")] * 3


async def test_an_analysis_counts_who_moved_and_why(client, season, handler, score):
    venue, person = season.venues[0], season.people[-1]
    before = season.at(venue)[1]
    await record(
        handler,
        [
            bought(season.tenant, venue, person, lines=((1, 90_000),), at=season.now - timedelta(hours=hours))
            for hours in (2, 3, 4)
        ],
    )
    await score(season.tenant)
    moves = await client.customers.GetRfm(
        rfm_pb2.GetRfmRequest(venue_id=str(venue), customer_id=str(person)), metadata=client.metadata
    )
    segment = moves.scores.segment

    answer = await client.customers.AnalyzeSegment(
        segments_pb2.AnalyzeSegmentRequest(venue_id=str(venue), segment=segment), metadata=client.metadata
    )

    came = before.get(person, (0, 0, 0, ""))[3]
    assert moves.moves[0].to_segment == segment
    assert moves.moves[-1].from_segment == came
    assert moves.moves[0].is_incremental
    assert answer.segment.segment == segment
    assert answer.moved_in_count == sum(
        flow.move_count for flow in answer.flows if flow.to_segment == segment
    )
    assert any(flow.to_segment == segment and flow.move_count for flow in answer.flows)
    unknown = segments_pb2.AnalyzeSegmentRequest(venue_id=str(venue), segment="nobody")
    assert await refused(client.customers.AnalyzeSegment(unknown, metadata=client.metadata)) == (
        "NOT_FOUND",
        "SEGMENT_NOT_FOUND",
    )


PREDICATES = {
    "often": ([("order_count", ">", 1)], lambda one, score, place: one["orders"] > 1),
    "euros": (
        [("spend_minor", ">=", 2_500), ("currency", "in", ["EUR"])],
        lambda one, score, place: one["spend"] >= 2_500 and one["currency"] == "EUR",
    ),
    "away": ([("recency_days", ">=", 100)], lambda one, score, place: one["age"] >= 100),
    "best": (
        [("segment", "in", ["champions", "loyal"])],
        lambda one, score, place: score[3] in {"champions", "loyal"},
    ),
    "reachable": ([("marketing_consent", "=", True)], lambda one, score, place: place % 2 == 0),
    "at_all": ([("clv", ">=", 0.0)], lambda one, score, place: False),
    "quiet": ([("status", "not_in", ["VIP", "New"])], lambda one, score, place: True),
}


@pytest.mark.parametrize("name", PREDICATES)
async def test_a_segment_that_a_tenant_makes_holds_those_who_fulfil_its_conditions(client, season, name):
    conditions, fulfils = PREDICATES[name]
    venue = season.venues[0]
    people, scores = season.at(venue)
    today = comparing.today_at(season.zones, season.now)

    answer = await client.customers.CreateSegment(
        creating(venue, name, *conditions), metadata=client.metadata
    )

    expected = set()
    for person, one in people.items():
        known = one | {"age": (today - one["day"]).days}
        if name == "quiet":
            rank = scores[person]
            vip = rank[3] == "champions" or (rank[3] == "cant_lose" and rank[2] == 5)
            fits = not vip and rank[3] not in {"new", "promising"}
        else:
            fits = fulfils(known, scores[person], season.people.index(person))
        expected |= {str(person)} if fits else set()
    assert await members(client, venue, name) == expected
    assert answer.segment.customer_count == len(expected)
    assert answer.segment.kind == "own"
    spends = defaultdict(int)
    for person in people:
        if str(person) in expected:
            own = people[person]
            for code, spend in {**own["others"], own["currency"]: own["spend"]}.items():
                spends[code] += spend
    assert {one.currency: one.amount_minor for one in answer.segment.spends} == dict(spends)


async def test_members_follow_purchases_and_what_people_say_of_themselves(client, season, handler):
    venue = season.venues[0]
    people, _ = season.at(venue)
    person = next(one for one in people if season.people.index(one) % 2 == 1)
    await client.customers.CreateSegment(
        creating(venue, "keen", ("order_count", ">=", 9), ("marketing_consent", "=", True)),
        metadata=client.metadata,
    )

    await record(
        handler,
        [
            bought(season.tenant, venue, person, at=season.now - timedelta(hours=hours))
            for hours in range(2, 11)
        ],
    )
    without_consent = await members(client, venue, "keen")
    await record(handler, [updated(season.tenant, person, name="Ada", marketing_consent=True)])
    with_consent = await members(client, venue, "keen")
    await record(handler, [updated(season.tenant, person, name="Ada", marketing_consent=False, version=2)])

    assert without_consent == set()
    assert with_consent == {str(person)}
    assert await members(client, venue, "keen") == set()


async def test_profiles_tell_of_a_segment_from_when_it_is_made_until_it_is_deleted(client, season):
    venue = season.venues[0]
    person = next(iter(season.at(venue)[0]))

    async def told():
        asked = profile_pb2.GetCustomerProfileRequest(venue_id=str(venue), customer_id=str(person))
        answer = await client.customers.GetCustomerProfile(asked, metadata=client.metadata)
        return "everybody" in answer.profile.segments

    deleting = segments_pb2.DeleteSegmentRequest(venue_id=str(venue), segment="everybody")
    before = await told()
    await client.customers.CreateSegment(
        creating(venue, "everybody", ("order_count", ">=", 0)), metadata=client.metadata
    )
    meanwhile = await told()
    await client.customers.DeleteSegment(deleting, metadata=client.metadata)

    assert (before, meanwhile, await told()) == (False, True, False)


async def test_a_segment_that_is_made_again_begins_anew(client, season, as_admin):
    venue = season.venues[0]
    making = creating(venue, "everybody", ("order_count", ">=", 0))

    async def came():
        asked = segments_pb2.AnalyzeSegmentRequest(venue_id=str(venue), segment="everybody")
        return (await client.customers.AnalyzeSegment(asked, metadata=client.metadata)).moved_in_count

    await client.customers.CreateSegment(making, metadata=client.metadata)
    await as_admin.execute(
        "update customer_segment_members set since = since - interval '1 year' where tenant_id = $1",
        season.tenant,
    )
    of_old = await came()
    await client.customers.DeleteSegment(
        segments_pb2.DeleteSegmentRequest(venue_id=str(venue), segment="everybody"), metadata=client.metadata
    )
    await client.customers.CreateSegment(making, metadata=client.metadata)

    assert (of_old, await came()) == (0, len(season.at(venue)[0]))


async def test_making_and_deleting_a_segment_may_be_repeated_with_its_key(client, season):
    venue = season.venues[0]
    request = creating(venue, "often", ("order_count", ">", 1))

    first = await client.customers.CreateSegment(request, metadata=client.with_key("make-it"))
    again = await client.customers.CreateSegment(request, metadata=client.with_key("make-it"))
    taken = await refused(client.customers.CreateSegment(request, metadata=client.metadata))
    listed = await client.customers.ListCustomerSegments(
        segments_pb2.ListCustomerSegmentsRequest(venue_id=str(venue)), metadata=client.metadata
    )
    deleting = segments_pb2.DeleteSegmentRequest(venue_id=str(venue), segment="often")
    await client.customers.DeleteSegment(deleting, metadata=client.metadata)

    assert first == again
    assert taken == ("ALREADY_EXISTS", "SEGMENT_EXISTS")
    assert [one.segment for one in listed.segments][-1] == "often"
    assert listed.segments[-1].predicate == request.predicate
    assert await refused(client.customers.DeleteSegment(deleting, metadata=client.metadata)) == (
        "NOT_FOUND",
        "SEGMENT_NOT_FOUND",
    )
    listed = await client.customers.ListCustomerSegments(
        segments_pb2.ListCustomerSegmentsRequest(venue_id=str(venue)), metadata=client.metadata
    )
    assert "often" not in [one.segment for one in listed.segments]


@pytest.mark.parametrize(
    ("name", "conditions", "field"),
    [
        ("champions", [("order_count", ">", 1)], "name"),
        ("mine", [("order_count", "in", ["many"])], "predicate.conditions[0].operator"),
        ("mine", [("order_count", ">", 1), ("segment", "in", ["vip"])], "predicate.conditions[1].values"),
        ("mine", [("churn", ">", True)], "predicate.conditions[0].number"),
        ("mine", [("marketing_consent", "=", 1)], "predicate.conditions[0].flag"),
        ("mine", [("order_count", "<", 2), ("order_count", ">", 3)], "predicate.conditions"),
        ("mine", [("tags", "in", ["member"])], "predicate.conditions[0].field"),
    ],
)
async def test_conditions_that_make_no_sense_are_named(client, season, name, conditions, field):
    request = creating(season.venues[0], name, *conditions)

    assert await bad_fields(client.customers.CreateSegment(request, metadata=client.metadata)) == [field]


async def test_there_are_fifty_segments_at_most_and_those_of_scores_cannot_be_deleted(client, season):
    venue = season.venues[2]
    for number in range(50):
        await client.customers.CreateSegment(
            creating(venue, f"s{number}", ("order_count", ">", number)), metadata=client.metadata
        )

    one_more = creating(venue, "one_more", ("order_count", ">", 1))
    of_scores = segments_pb2.DeleteSegmentRequest(venue_id=str(venue), segment="lost")

    assert await refused(client.customers.CreateSegment(one_more, metadata=client.metadata)) == (
        "FAILED_PRECONDITION",
        "TOO_MANY_SEGMENTS",
    )
    assert await bad_fields(client.customers.DeleteSegment(of_scores, metadata=client.metadata)) == [
        "segment"
    ]


ORDERS = {
    "spend": lambda one: one["spend"],
    "recency": lambda one: one["last"],
    "frequency": lambda one: one["orders"],
    "churn": lambda one: 0,
    "clv": lambda one: 0,
}


@pytest.mark.parametrize("order_by", ORDERS)
async def test_customers_come_page_by_page_in_the_order_asked_for(client, season, order_by):
    venue = season.venues[0]
    people, scores = season.at(venue)
    last = {}
    for of_venue, person, sold_at, *_ in season.rows:
        if of_venue == venue:
            last[person] = max(last.get(person, sold_at), sold_at)
    request = segments_pb2.ListVenueCustomersRequest(venue_id=str(venue), order_by=order_by, page_size=3)

    found = []
    while True:
        page = await client.insights.ListVenueCustomers(request, metadata=client.metadata)
        assert len(page.customers) <= 3
        found += page.customers
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token

    key = ORDERS[order_by]
    expected = sorted(people, key=lambda who: (key(people[who] | {"last": last[who]}), who), reverse=True)
    assert [one.customer_id for one in found] == [str(who) for who in expected]
    assert [one.scores.segment for one in found] == [scores[who][3] for who in expected]
    assert not found[0].HasField("churn_probability")


async def test_lists_are_filtered_and_masked_for_those_who_may_not_see_people(
    client, customers_process, season
):
    venue = season.venues[0]
    people, _ = season.at(venue)
    today = comparing.today_at(season.zones, season.now)
    request = segments_pb2.ListVenueCustomersRequest(
        venue_id=str(venue), min_spend=2_500, max_days_since_purchase=200
    )

    shown = await client.insights.ListVenueCustomers(request, metadata=client.metadata)
    async with customers_process.client(season.tenant, permissions=WITHOUT_PII) as narrow:
        masked = await narrow.insights.ListVenueCustomers(request, metadata=narrow.metadata)

    expected = {
        str(who) for who, one in people.items() if one["spend"] >= 2_500 and (today - one["day"]).days <= 200
    }
    assert {one.customer_id for one in shown.customers} == expected
    assert all(one.identity.name.startswith("Ada Byron") for one in shown.customers)
    assert {one.customer_id for one in masked.customers} == expected
    assert not any("Byron" in str(one) or "ada" in one.identity.email for one in masked.customers)
    assert all(one.identity.is_masked for one in masked.customers)
    wrong = segments_pb2.ListVenueCustomersRequest(venue_id=str(venue), segment="nobody")
    assert await refused(client.insights.ListVenueCustomers(wrong, metadata=client.metadata)) == (
        "NOT_FOUND",
        "SEGMENT_NOT_FOUND",
    )


async def test_a_venue_where_nobody_was_scored_has_no_segments(customers_process, handler):
    tenant, empty = uuid4(), uuid4()
    await record(handler, [make.venue_updated(tenant, empty)])

    async with customers_process.client(tenant) as client:
        answer = await client.customers.ListCustomerSegments(
            segments_pb2.ListCustomerSegmentsRequest(venue_id=str(empty)), metadata=client.metadata
        )

    assert (len(answer.segments), answer.customer_count, answer.HasField("scoring")) == (0, 0, False)


@pytest.fixture
async def audited(redis_url, season):
    """Audit events of the tenant by id, as they come over the bus."""
    found, queue = {}, f"tests.audit.{season.tenant}"

    async def take(deliveries):
        for delivery in deliveries:
            if delivery.event.tenant_id == str(season.tenant):
                found[delivery.event.event_id] = delivery.event
        return [DONE] * len(deliveries)

    bus = open_bus(redis_url)
    await bus.subscribe(queue, types=("audit.recorded",))
    consumer = bus.consume(queue, types=("audit.recorded",), handler=take, prefetch=10)
    running = asyncio.create_task(consumer.run())
    yield found
    consumer.stop()
    await running
    await bus.unsubscribe(queue)
    await bus.close()


@pytest.mark.usefixtures("working_process")
async def test_making_and_deleting_a_segment_leave_audit_events_that_name_nobody(client, season, audited):
    venue = season.venues[0]
    await client.customers.CreateSegment(
        creating(venue, "often", ("order_count", ">", 1)), metadata=client.metadata
    )
    deleting = segments_pb2.DeleteSegmentRequest(venue_id=str(venue), segment="often")
    await client.customers.DeleteSegment(deleting, metadata=client.metadata)

    async def count():
        return len(audited)

    assert await eventually_equal(count, 2, within_seconds=30)
    events = sorted(audited.values(), key=lambda event: event.occurred_at.ToMicroseconds())
    made, deleted = (event.audit_recorded for event in events)
    assert made.action == "customers.v1.CustomersService/CreateSegment"
    assert deleted.action == "customers.v1.CustomersService/DeleteSegment"
    assert made.resource_id == deleted.resource_id == f"{venue}/often"
    assert made.after_hash == deleted.before_hash
    assert made.actor == deleted.actor
    assert (made.before_hash, deleted.after_hash) == ("", "")
