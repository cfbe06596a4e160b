"""Segments that a tenant makes: who is in them, how long, and what may be stated."""

from collections import defaultdict
from datetime import timedelta

import pytest
from tickettoken.customers.v1 import profile_pb2, segments_pb2

from tests.customers.auditing import audit_events
from tests.customers.people.shoppers import bought, record, updated
from tests.customers.rfm import comparing
from tests.customers.segments.season import creating, members
from tests.metrics.serving import bad_fields, eventually_equal, refused

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


@pytest.fixture
async def audited(redis_url, season):
    async with audit_events(redis_url, season.tenant) as found:
        yield found


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
