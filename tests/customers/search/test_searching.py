"""People are found by what they are called, ranked, and by nobody who must not know them."""

import unicodedata
from datetime import timedelta
from random import Random
from uuid import uuid4

import pytest
from tickettoken.customers.v1 import search_pb2

from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.errors import InvalidField, VenueNotFound
from libs.common.paging import PageTokenInvalid, PageTokens
from services.customers.errors import SearchTooBroad
from services.customers.people.reader import PeopleReader
from services.customers.people.search import Search
from tests.customers.people.shoppers import bought, by, record, registered, updated
from tests.platform import events as make

PAGES = PageTokens(b"p" * 32)


def searching(database, **limits):
    return Search(database, Venues(database), PeopleReader(database), PAGES, **limits)


def request(venue, text, **more):
    return search_pb2.SearchCustomersRequest(venue_id=str(venue), q=text, **more)


async def found(database, scope, venue, text, *, shows_pii=True, **more):
    page = await searching(database).page(scope, request(venue, text, **more), shows_pii=shows_pii)
    return [match.customer_id for match in page.matches]


def somebody(tenant, venue, person, *, days=0, **known):
    at = make.NOON + timedelta(days=days)
    return [registered(tenant, person, **known), bought(tenant, venue, person, at=at)]


@pytest.fixture
async def house(handler):
    """A venue that Ada, Adam, Anna and Jose have bought at, each a day after the other."""
    tenant, venue = uuid4(), uuid4()
    ada, adam, anna, jose = people = [uuid4() for _ in range(4)]
    events = [
        *somebody(tenant, venue, ada, days=1, name="Ada Byron", email="ada@example.org"),
        *somebody(tenant, venue, adam, days=2, name="Adam Byronson", email="a.b@example.org"),
        *somebody(tenant, venue, anna, days=3, name="Anna Ada Karenina", email="anna@example.net"),
        *somebody(tenant, venue, jose, days=4, name="José María O'Brien-Łukasz", email="JO@Example.org"),
    ]
    await record(handler, events)
    return TenantScope(tenant), venue, people


async def test_a_prefix_of_a_word_finds_people(database, house):
    scope, venue, (ada, adam, _anna, jose) = house

    assert await found(database, scope, venue, "byr") == [adam, ada]
    assert await found(database, scope, venue, "obri") == [jose]
    assert await found(database, scope, venue, "zz") == []


async def test_who_has_more_of_the_words_comes_first_then_who_has_them_whole_then_who_came_last(
    database, house
):
    scope, venue, (ada, adam, anna, _) = house

    assert await found(database, scope, venue, "ada") == [anna, ada, adam]
    assert await found(database, scope, venue, "ada byr") == [ada, adam, anna]


@pytest.mark.parametrize("text", ["jose maria", "JOSÉ", "lukasz", "OBRIEN", "jo@EXAMPLE.org", "jo@ex"])
async def test_case_diacritics_and_apostrophes_do_not_matter(database, house, text):
    scope, venue, (*_, jose) = house

    assert await found(database, scope, venue, text) == [jose]


@pytest.mark.parametrize("shows_pii", [True, False])
async def test_an_id_finds_its_person(database, house, shows_pii):
    scope, venue, (ada, *_) = house

    assert await found(database, scope, venue, str(ada).upper(), shows_pii=shows_pii) == [ada]
    assert await found(database, scope, venue, str(uuid4()), shows_pii=shows_pii) == []


@pytest.mark.parametrize("text", ["ada", "byr", "byron", "ada@", "ada@example.or", "ada b", "example.org"])
async def test_who_may_not_see_people_finds_nobody_by_a_part_of_what_they_are_called(database, house, text):
    scope, venue, _ = house

    assert await found(database, scope, venue, text, shows_pii=False) == []


@pytest.mark.parametrize("text", ["Ada Byron", "ada  BYRON", "ada@example.org"])
async def test_who_may_not_see_people_finds_those_they_can_name_in_full(database, house, text):
    scope, venue, (ada, *_) = house

    assert await found(database, scope, venue, text, shows_pii=False) == [ada]


async def test_pages_hold_everybody_once_in_the_order_of_the_whole(database, handler):
    tenant, venue = uuid4(), uuid4()
    people = [uuid4() for _ in range(23)]
    days = Random(5).choices(range(6), k=len(people))
    await record(
        handler,
        [
            event
            for person, day in zip(people, days, strict=True)
            for event in somebody(tenant, venue, person, days=day, name=f"Kim{day % 2} Kim")
        ],
    )
    scope, search = TenantScope(tenant), searching(database)

    shown, asked = [], request(venue, "kim", page_size=5)
    while True:
        page = await search.page(scope, asked, shows_pii=True)
        shown += [match.customer_id for match in page.matches]
        if not page.next_page_token:
            break
        asked.page_token = page.next_page_token

    assert shown == await found(database, scope, venue, "kim", page_size=1000)
    assert sorted(shown) == sorted(people)
    by_day = dict(zip(people, days, strict=True))
    assert [by_day[person] for person in shown] == sorted(days, reverse=True)


async def test_a_token_of_another_search_is_refused(database, house):
    scope, venue, _ = house
    page = await searching(database).page(scope, request(venue, "a", page_size=1), shows_pii=True)
    first = await searching(database).page(scope, request(venue, "ada", page_size=1), shows_pii=True)

    assert page.next_page_token == ""
    with pytest.raises(PageTokenInvalid):
        asked = request(venue, "adam", page_token=first.next_page_token)
        await searching(database).page(scope, asked, shows_pii=True)


async def test_what_a_person_was_called_before_finds_them_no_more_whatever_arrives_first(database, handler):
    tenant, venue = uuid4(), uuid4()
    people = [uuid4() for _ in range(8)]
    scope = TenantScope(tenant)
    for seed, person in enumerate(people):
        log = [
            registered(tenant, person, name="Maiden Name", email="old@example.org"),
            updated(tenant, person, version=1, name="Interim Name"),
            updated(tenant, person, version=2, name="Married Name", email="new@example.org"),
            bought(tenant, venue, person),
        ]
        shuffled = [*log, *log[:2]]
        Random(seed).shuffle(shuffled)
        for event in shuffled:
            await record(handler, [event])

    assert sorted(await found(database, scope, venue, "married")) == sorted(people)
    for gone in ("maiden", "interim", "old@example.org"):
        assert await found(database, scope, venue, gone) == []


async def test_people_without_a_dealing_with_the_venue_are_not_found_there(database, house, handler):
    scope, venue, (ada, *_) = house
    elsewhere, stranger = uuid4(), uuid4()
    await record(
        handler,
        [
            *somebody(scope.tenant_id, elsewhere, stranger, name="Ada Stranger"),
            registered(scope.tenant_id, uuid4(), name="Ada Onlyregistered"),
            by(
                make.ticket_scanned(scope.tenant_id, elsewhere, show=uuid4()),
                ada,
            ),
        ],
    )

    assert await found(database, scope, elsewhere, "ada str") == [stranger, ada]
    assert stranger not in await found(database, scope, venue, "ada")


async def test_another_tenants_people_and_venues_are_not_found(database, house):
    scope, venue, (ada, *_) = house
    own_only = TenantScope(scope.tenant_id, frozenset({uuid4()}))

    for other in (TenantScope(uuid4()), own_only):
        for text in ("ada", str(ada)):
            with pytest.raises(VenueNotFound):
                await found(database, other, venue, text)


async def test_a_text_that_too_many_have_is_refused_rather_than_answered_in_part(database, house):
    scope, venue, _ = house

    with pytest.raises(SearchTooBroad) as refused:
        await searching(database, most_rows=2).page(scope, request(venue, "ada"), shows_pii=True)

    assert refused.value.metadata == {"limit": "2"}
    narrow = await searching(database, most_rows=2).page(scope, request(venue, "karenina"), shows_pii=True)
    assert len(narrow.matches) == 1


async def test_a_text_that_says_nothing_is_refused(database, house):
    scope, venue, _ = house

    with pytest.raises(InvalidField):
        await found(database, scope, venue, "!?")


async def test_only_people_of_a_segment_are_found(database, house, as_admin):
    scope, venue, (ada, adam, anna, _) = house
    for person, segment in ((ada, "champions"), (adam, "lost")):
        await as_admin.execute(
            "insert into customer_rfm_scores values"
            " ($1, $2, $3, 'EUR', now(), current_date, 1, 1, null, 5, 5, 5, $4, now(), now(), false)",
            scope.tenant_id,
            venue,
            person,
            segment,
        )
    await as_admin.execute(
        "insert into customer_segment_members values ($1, $2, 'regulars', $3, now())",
        scope.tenant_id,
        venue,
        anna,
    )

    assert await found(database, scope, venue, "ada", segment="champions") == [ada]
    assert await found(database, scope, venue, "ada", segment="regulars") == [anna]
    assert await found(database, scope, venue, str(adam), segment="lost") == [adam]
    assert await found(database, scope, venue, str(adam), segment="new") == []


def plain(text):
    folded = unicodedata.normalize("NFKD", text).casefold()
    return "".join(one for one in folded if not unicodedata.combining(one)).split()


async def test_a_search_finds_whom_a_walk_through_all_names_finds(database, handler):
    random = Random(11)
    tenant, venue = uuid4(), uuid4()
    syllables = ["an", "Na", "be", "Rt", "ö", "li", "É", "sa"]
    names = {
        uuid4(): " ".join("".join(random.choices(syllables, k=2)) for _ in range(random.randint(1, 3)))
        for _ in range(60)
    }
    await record(
        handler,
        [
            event
            for person, name in names.items()
            for event in somebody(tenant, venue, person, days=random.randint(0, 5), name=name)
        ],
    )

    for text in ("an", "na be", "ert", "ol an li", "sa sa", "öe"):
        expected = {
            person
            for person, name in names.items()
            if any(word.startswith(asked) for asked in plain(text) for word in plain(name))
        }
        assert set(await found(database, TenantScope(tenant), venue, text, page_size=1000)) == expected


async def test_words_of_people_are_not_read_across_tenants(database, house):
    _, _, (ada, *_) = house

    async with database.transaction(TenantScope(uuid4())) as conn:
        count = await conn.fetchval("select count(*) from customer_words where customer_id = $1", ada)

    assert count == 0
