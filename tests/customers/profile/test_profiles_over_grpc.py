"""Profiles, journeys, preferences and searches of a running service, and who is told what in them."""

from datetime import timedelta
from uuid import UUID, uuid4

import grpc
import pytest
from tickettoken.customers.v1 import journey_pb2, preferences_pb2, profile_pb2, search_pb2

from deploy.local.credentials import PERMISSIONS
from libs.common.bus import open_bus
from libs.common.bus.port import Delivery
from libs.common.erasure.tombstones import Hiding, Tombstones
from services.customers.behavior.consumer import Behavior
from services.customers.behavior.store import BehaviorStore
from services.customers.profile.spread import LEAST_CUSTOMERS
from services.customers.views.refreshes import VIEWS, Refreshes
from tests.customers.people.shoppers import NOW, bought, by, moment, record, registered, texts_of, updated
from tests.metrics.serving import bad_fields, eventually_equal, refused
from tests.platform import events as make

WITHOUT_PII = frozenset(PERMISSIONS) - {"analytics.pii"}
SHOWS_PII = WITHOUT_PII | {"analytics.pii"}


class Asking:
    """The methods, by name, about one customer at one venue."""

    def __init__(self, client, venue, person, text="Quirina Vandersteen"):
        venue_id, customer_id, self._client = str(venue), str(person), client
        self.calls = {
            "profile": (
                client.customers.GetCustomerProfile,
                profile_pb2.GetCustomerProfileRequest(venue_id=venue_id, customer_id=customer_id),
            ),
            "journey": (
                client.customers.GetCustomerJourney,
                journey_pb2.GetCustomerJourneyRequest(venue_id=venue_id, customer_id=customer_id),
            ),
            "search": (
                client.customers.SearchCustomers,
                search_pb2.SearchCustomersRequest(venue_id=venue_id, q=text),
            ),
            "user_profile": (
                client.insights.GetUserProfile,
                profile_pb2.GetUserProfileRequest(user_id=customer_id),
            ),
            "user_preferences": (
                client.insights.GetUserPreferences,
                preferences_pb2.GetUserPreferencesRequest(user_id=customer_id),
            ),
        }

    async def ask(self, name, **changed):
        method, request = self.calls[name]
        for field, value in changed.items():
            setattr(request, field, value)
        return await method(request, metadata=self._client.metadata)


METHODS = ("profile", "journey", "search", "user_profile", "user_preferences")
KNOWN = {
    "name": "Quirina Vandersteen",
    "email": "quirina.v@vandersteen-family.example",
    "phone": "+4799887766",
    "city": "Ytterhausen",
    "country": "NO",
    "tags": ["knows-the-director"],
    "marketing_consent": True,
    "channel": "web",
}
NEEDLES = ("quirina", "vandersteen", "quirina.v@", "family", "4799887766", "ytterhausen", "director")


@pytest.fixture
async def house(handler, database, mongo):
    """Somebody who is known well, at a venue and at another: tenant, venue, other venue, person."""
    tenant, venue, other, show, person = (uuid4() for _ in range(5))
    sold = NOW - timedelta(days=20)
    events = [
        make.venue_updated(tenant, venue, name="Hall"),
        make.event_created(tenant, venue, show, name="Premiere", genre="jazz", starts_at=NOW),
        registered(tenant, person, at=NOW - timedelta(days=90), registered_at=sold, **KNOWN),
        *(
            bought(tenant, venue, person, lines=[(2, 1_500)], show=show, at=sold + timedelta(days=n))
            for n in range(3)
        ),
        bought(tenant, venue, uuid4(), lines=[(1, 500)], channel="box_office", at=sold),
        bought(tenant, other, person, currency="USD", lines=[(1, 900)], at=NOW - timedelta(days=1)),
    ]
    await record(handler, events)
    behavior = Behavior(
        BehaviorStore(mongo, kept=timedelta(days=400)), Hiding(database, Tombstones(b"t" * 32))
    )
    viewed = by(make.page_viewed(tenant, venue, "s", page="/premiere", at=sold), person)
    await behavior.handler()([Delivery(viewed, 1)])
    return tenant, venue, other, person


@pytest.mark.parametrize("method", METHODS)
async def test_no_answer_tells_who_somebody_is_without_the_permission(customers_process, house, method):
    tenant, venue, _, person = house
    async with customers_process.client(tenant, permissions=WITHOUT_PII) as client:
        answer = await Asking(client, venue, person).ask(method)

    texts = list(texts_of(answer))
    assert texts
    for needle in NEEDLES:
        assert not [text for text in texts if needle in text.lower()]


@pytest.mark.parametrize("method", ["profile", "search", "user_profile"])
async def test_answers_are_not_shared_between_those_who_may_see_people_and_others(
    customers_process, house, method
):
    tenant, venue, _, person = house
    seen = []
    for permissions in (SHOWS_PII, WITHOUT_PII, SHOWS_PII):
        async with customers_process.client(tenant, permissions=permissions) as client:
            answer = await Asking(client, venue, person).ask(method)
        seen.append(answer.customers[0].identity if method == "search" else answer.profile.identity)

    known, masked, again = seen
    assert known == again
    assert (known.name, known.email, known.phone, known.city) == (
        KNOWN["name"],
        KNOWN["email"],
        KNOWN["phone"],
        KNOWN["city"],
    )
    assert (list(known.tags), known.is_masked) == (KNOWN["tags"], False)
    assert (masked.name, masked.email, masked.phone, masked.city) == (
        "Q*** V***",
        "q***@v***",
        "***66",
        "Y***",
    )
    assert (list(masked.tags), masked.is_masked) == ([], True)


async def test_a_profile_tells_what_the_venue_knows(customers_process, house):
    tenant, venue, _, person = house
    async with customers_process.client(tenant) as client:
        profile = (await Asking(client, venue, person).ask("profile")).profile

    (euros,) = profile.totals
    (activity,) = profile.activities
    first, last = NOW - timedelta(days=20), NOW - timedelta(days=18)
    assert profile.customer_id == str(person)
    assert (euros.currency, euros.order_count, euros.ticket_count) == ("EUR", 3, 6)
    assert (euros.gross.amount_minor, euros.refunds.amount_minor, euros.spend.amount_minor) == (
        9_000,
        0,
        9_000,
    )
    assert euros.average_order.amount_minor == 3_000
    assert not euros.HasField("spend_rank_ratio")
    assert (moment(profile.first_purchase_time), moment(profile.last_purchase_time)) == (first, last)
    assert (activity.venue_id, activity.venue_name, activity.order_count) == (str(venue), "Hall", 3)
    assert moment(activity.latest_show_time) == NOW
    assert (profile.marketing_consent, profile.registration_channel) == (True, "web")
    assert moment(profile.registered_time) == first
    assert profile.next_best_action.reason.endswith(".")
    assert [one.dimension for one in profile.preferences] == [
        "price_band",
        "party_size",
        "channel",
    ]
    assert {(one.dimension, one.value) for one in profile.preferences} >= {
        ("party_size", "pair"),
        ("channel", "web"),
    }
    assert moment(profile.as_of) == last


async def test_a_user_profile_is_over_all_venues_that_the_token_grants(customers_process, house):
    tenant, venue, other, person = house
    seen = {}
    for name, grant in (("all", None), ("one", [venue]), ("other", [other])):
        async with customers_process.client(tenant, venue_ids=grant) as client:
            seen[name] = (await Asking(client, venue, person).ask("user_profile")).profile

    assert [one.currency for one in seen["all"].totals] == ["EUR", "USD"]
    assert [one.venue_id for one in seen["all"].activities] == [str(other), str(venue)]
    assert [one.currency for one in seen["one"].totals] == ["EUR"]
    assert [one.venue_id for one in seen["other"].activities] == [str(other)]
    assert moment(seen["all"].last_purchase_time) == NOW - timedelta(days=1)
    assert all(not one.HasField("spend_rank_ratio") for one in seen["all"].totals)


async def test_a_profile_follows_what_happens(customers_process, house, handler):
    tenant, venue, _, person = house
    async with customers_process.client(tenant) as client:
        asking = Asking(client, venue, person)
        before = (await asking.ask("profile")).profile
        await record(
            handler,
            [
                updated(tenant, person, name="Quirina Newname", marketing_consent=False),
                bought(tenant, venue, person, lines=[(1, 700)], at=NOW - timedelta(hours=1)),
            ],
        )

        async def spent():
            return (await asking.ask("profile")).profile.totals[0].spend.amount_minor

        assert await eventually_equal(spent, 9_700)
        after = (await asking.ask("profile")).profile

    assert (before.identity.name, after.identity.name) == (KNOWN["name"], "Quirina Newname")
    assert (before.marketing_consent, after.marketing_consent) == (True, False)
    assert after.next_best_action.action in ("prepare_visit", "respect_objection")


async def scored(as_admin, tenant, place, person, scores):
    """A run with one customer in it. Nothing waits to be scored, so that these scores stay."""
    await as_admin.execute("delete from rfm_pending where tenant_id = $1", tenant)
    await as_admin.execute(
        "insert into rfm_runs values ($1, $2, now(), current_date, 365, 6, 6, 0, false, '{}', now())",
        tenant,
        place,
    )
    await as_admin.execute(
        "insert into customer_rfm_scores values ($1, $2, $3, 'EUR', now(), current_date - 4, 3, 9000, null,"
        " $4, $5, $6, $7, now(), now(), false)",
        tenant,
        place,
        person,
        *scores,
    )


async def test_scores_segments_and_status_are_those_that_are_stored(customers_process, house, as_admin):
    tenant, venue, _, person = house
    await scored(as_admin, tenant, venue, person, (2, 5, 5, "cant_lose"))
    for slug in ("zealous", "early_birds"):
        await as_admin.execute(
            "insert into customer_segment_members values ($1, $2, $3, $4, now())", tenant, venue, slug, person
        )
    async with customers_process.client(tenant) as client:
        profile = (await Asking(client, venue, person).ask("profile")).profile

    assert (profile.score.recency_days, profile.score.order_count) == (4, 3)
    assert profile.score.spend.amount_minor == 9_000
    assert (profile.score.recency_score, profile.score.frequency_score, profile.score.monetary_score) == (
        2,
        5,
        5,
    )
    assert (profile.score.segment, profile.status) == ("cant_lose", "VIP")
    assert list(profile.segments) == ["cant_lose", "early_birds", "zealous"]


async def test_scores_of_the_whole_tenant_are_for_callers_without_a_venue_grant(
    customers_process, house, as_admin
):
    tenant, venue, _, person = house
    await scored(as_admin, tenant, UUID(int=0), person, (5, 5, 5, "champions"))
    statuses = []
    for grant in (None, [venue]):
        async with customers_process.client(tenant, venue_ids=grant) as client:
            profile = (await Asking(client, venue, person).ask("user_profile")).profile
            statuses.append((profile.status, profile.HasField("score")))

    assert statuses == [("VIP", True), ("", False)]


async def test_ranks_compare_with_all_customers_of_the_venue(customers_process, handler, worker_database):
    tenant, venue = uuid4(), uuid4()
    people = [uuid4() for _ in range(2 * LEAST_CUSTOMERS)]
    await record(
        handler,
        [bought(tenant, venue, person, lines=[(1, 100 * (rank + 1))]) for rank, person in enumerate(people)],
    )
    for view in VIEWS:
        await Refreshes(worker_database).refresh(view)
    ratios = []
    async with customers_process.client(tenant) as client:
        for person in (people[0], people[LEAST_CUSTOMERS], people[-1]):
            profile = (await Asking(client, venue, person).ask("profile")).profile
            ratios.append(profile.totals[0].spend_rank_ratio)
            assert profile.activities[0].order_rank_ratio == 0

    assert ratios == [0, 0.5, pytest.approx(39 / 40, abs=0.01)]


@pytest.mark.parametrize("method", ["profile", "journey", "search"])
async def test_another_tenants_or_an_ungranted_venue_is_not_found(customers_process, house, method):
    tenant, venue, _, person = house
    for who, grant in ((uuid4(), None), (tenant, [uuid4()])):
        async with customers_process.client(who, venue_ids=grant) as client:
            assert await refused(Asking(client, venue, person).ask(method)) == (
                "NOT_FOUND",
                "VENUE_NOT_FOUND",
            )


@pytest.mark.parametrize("method", ["user_profile", "user_preferences"])
async def test_another_tenants_or_an_ungranted_venues_customer_is_not_found(customers_process, house, method):
    tenant, venue, _, person = house
    for who, grant in ((uuid4(), None), (tenant, [uuid4()])):
        async with customers_process.client(who, venue_ids=grant) as client:
            refusal = await refused(Asking(client, venue, person).ask(method))
            assert refusal == ("NOT_FOUND", "CUSTOMER_NOT_FOUND")


@pytest.mark.parametrize("method", ["profile", "journey"])
async def test_a_customer_of_another_venue_is_not_found(customers_process, house, handler, method):
    tenant, _, other, _ = house
    stranger = uuid4()
    await record(handler, [bought(tenant, uuid4(), stranger)])
    async with customers_process.client(tenant) as client:
        refusal = await refused(Asking(client, other, stranger).ask(method))

    assert refusal == ("NOT_FOUND", "CUSTOMER_NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "field", "value", "named"),
    [
        ("profile", "customer_id", "me", "customerId"),
        ("journey", "venue_id", "hall", "venueId"),
        ("journey", "page_size", -1, "pageSize"),
        ("search", "q", "", "q"),
        ("search", "q", "?!", "q"),
        ("search", "segment", "Can't Lose", "segment"),
        ("user_profile", "user_id", "1", "userId"),
        ("user_preferences", "user_id", "", "userId"),
    ],
)
async def test_bad_fields_are_named(customers_process, house, method, field, value, named):
    tenant, venue, _, person = house
    async with customers_process.client(tenant) as client:
        assert await bad_fields(Asking(client, venue, person).ask(method, **{field: value})) == [named]


@pytest.mark.parametrize("method", ["journey", "search"])
async def test_a_made_up_page_token_is_refused(customers_process, house, method):
    tenant, venue, _, person = house
    async with customers_process.client(tenant) as client:
        refusal = await refused(Asking(client, venue, person).ask(method, page_token="made-up"))

    assert refusal == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")


async def test_a_window_that_ends_before_it_starts_is_refused(customers_process, house):
    tenant, venue, _, person = house
    request = journey_pb2.GetCustomerJourneyRequest(venue_id=str(venue), customer_id=str(person))
    request.start_date.FromDatetime(NOW)
    request.end_date.FromDatetime(NOW)
    async with customers_process.client(tenant) as client:
        call = client.customers.GetCustomerJourney(request, metadata=client.metadata)
        assert await bad_fields(call) == ["endDate"]


async def test_a_journey_is_told_by_the_running_service(customers_process, house):
    tenant, venue, _, person = house
    async with customers_process.client(tenant) as client:
        answer = await Asking(client, venue, person).ask("journey")

    assert [entry.kind for entry in answer.entries] == ["order", "order", "session", "order"]


@pytest.mark.usefixtures("working_process")
async def test_what_arrives_by_the_bus_is_found_and_told(customers_process, redis_url):
    tenant, venue, person = uuid4(), uuid4(), uuid4()
    bus = open_bus(redis_url)
    try:
        async with customers_process.client(tenant) as client:
            await bus.publish(
                [
                    by(make.page_viewed(tenant, venue, "s", page="/", at=NOW - timedelta(hours=2)), person),
                    bought(tenant, venue, person, at=NOW - timedelta(hours=1)),
                    registered(tenant, person, at=NOW, name="Ottilie Busfahrer"),
                ]
            )

            async def told():
                try:
                    found = await Asking(client, venue, person, "ott busf").ask("search")
                    journey = await Asking(client, venue, person).ask("journey")
                except grpc.aio.AioRpcError:
                    return None
                return (
                    [match.customer_id for match in found.customers],
                    [entry.kind for entry in journey.entries],
                )

            assert await eventually_equal(told, ([str(person)], ["order", "session"]), within_seconds=30)
    finally:
        await bus.close()
