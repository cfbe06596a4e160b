"""What of a person is shown, to those who may see it and to the others."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.customers.people.identity import identity_message
from services.customers.people.masking import masked_city, masked_email, masked_name, masked_phone


def person(**known):
    nothing = {"name": "", "email": "", "phone": "", "city": "", "country": "", "tags": ()}
    return SimpleNamespace(**nothing | known)


ADA = person(
    name="Ada Byron",
    email="ada.byron@example.org",
    phone="+441632960961",
    city="London",
    country="GB",
    tags=["season ticket", "friend of Charles"],
)


def test_who_may_see_people_sees_them_as_they_are():
    shown = identity_message(ADA, shows_pii=True)

    assert (shown.name, shown.email, shown.phone, shown.city, shown.country) == (
        "Ada Byron",
        "ada.byron@example.org",
        "+441632960961",
        "London",
        "GB",
    )
    assert list(shown.tags) == ["season ticket", "friend of Charles"]
    assert not shown.is_masked


def test_others_see_initials_and_that_something_is_masked():
    shown = identity_message(ADA, shows_pii=False)

    assert (shown.name, shown.email, shown.phone, shown.city, shown.country) == (
        "A*** B***",
        "a***@e***.org",
        "***61",
        "L***",
        "GB",
    )
    assert list(shown.tags) == []
    assert shown.is_masked


def test_nothing_is_masked_where_nothing_is_known():
    shown = identity_message(person(country="NP"), shows_pii=False)

    assert shown == identity_message(person(country="NP"), shows_pii=True)
    assert not shown.is_masked


@pytest.mark.parametrize("known", ["name", "email", "phone", "city"])
def test_each_field_alone_counts_as_masked(known):
    assert identity_message(person(**{known: "Some Value"}), shows_pii=False).is_masked


def test_labels_alone_count_as_masked():
    assert identity_message(person(tags=["vip"]), shows_pii=False).is_masked


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("", ""),
        ("  ", ""),
        ("Ada", "A***"),
        ("Ana María de la Cruz", "A*** M*** d*** l*** C***"),
        ("Özil", "Ö***"),
        ("Жанна", "Ж***"),
        ("王小明", "***"),
        ("김 민수", "*** ***"),
        ("محمد", "***"),
        ("42", "***"),
    ],
)
def test_names_show_initials_of_scripts_that_have_them(name, shown):
    assert masked_name(name) == shown


@pytest.mark.parametrize(
    ("email", "shown"),
    [
        ("", ""),
        ("a@b.org", "a***@b***.org"),
        ("ada@mail.example.co.uk", "a***@m***.uk"),
        ("ada@localhost", "a***@l***"),
        ("ada@[192.0.2.7]", "a***@***"),
        ("ada@example.a-very-own-brand", "a***@e***"),
        ('"odd@box"@example.org', "***@e***.org"),
        ("not an address", "***"),
        ("@example.org", "***@e***.org"),
    ],
)
def test_mail_addresses_show_initials_and_the_end_of_the_domain(email, shown):
    assert masked_email(email) == shown


@pytest.mark.parametrize(
    ("phone", "shown"), [("", ""), ("+49 170 1234567", "***67"), ("1234567", "***"), ("unknown", "***")]
)
def test_phone_numbers_show_two_digits_of_at_least_eight(phone, shown):
    assert masked_phone(phone) == shown


@pytest.mark.parametrize(
    ("city", "shown"), [("", ""), (" ", ""), ("New York", "N***"), ("Łódź", "Ł***"), ("東京", "***")]
)
def test_cities_show_one_initial(city, shown):
    assert masked_city(city) == shown


_TEXT = st.text(min_size=2).filter(lambda text: len(text.strip()) > 1 and "*" not in text)


@given(_TEXT, _TEXT)
def test_two_people_with_the_same_initial_look_the_same(one, other):
    initial = "A"

    assert masked_city(initial + one) == masked_city(initial + other)
    assert masked_name((initial + one).replace(" ", "").split()[0]) == "A***"
