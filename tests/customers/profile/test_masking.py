"""Who is told who somebody is, in profiles, journeys, preferences and searches."""

import pytest

from tests.customers.people.shoppers import texts_of
from tests.customers.profile.asking import KNOWN, WITHOUT_PII, Asking

SHOWS_PII = WITHOUT_PII | {"analytics.pii"}
METHODS = ("profile", "journey", "search", "user_profile", "user_preferences")
NEEDLES = ("quirina", "vandersteen", "quirina.v@", "family", "4799887766", "ytterhausen", "director")


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
