"""Texts that say who somebody is, and texts that do not."""

from types import SimpleNamespace
from uuid import UUID

import pytest

from services.customers.people.naming import names, tells_contacts

ID = UUID("3f2b8c1d-0a4e-4b7c-9d21-5e6f7a8b9c0d")
JOERG = SimpleNamespace(name="Jörg van der Ås", email="Joerg.A@Example.org", phone="+47 123 45 678")
LI = SimpleNamespace(name="Bo Li", email="", phone="")
NOBODY = SimpleNamespace(name="", email="", phone="")


@pytest.mark.parametrize(
    "text",
    [
        f"asked by {ID}",
        f"asked by {str(ID).upper()}.",
        f"asked by {ID.hex}",
        "asked by JOERG.A@EXAMPLE.ORG.",
        "(joerg.a@example.org)",
        "Jörg asked",
        "jorg asked",
        "asked by JÖRG",
        "van is a word of three letters",
        "mr_jorg wants it",
        "call +47 123 45 678",
        "call 12345678",
        "call 0047-12-34-56-78",
        "call 123 45 678, please",
    ],
)
def test_what_names_a_person_is_found(text):
    assert names(text, ID, JOERG)


@pytest.mark.parametrize(
    "text",
    [
        "customer_request",
        "jorgensen asked for another",
        "joerg.a@example.com is somebody else",
        "as written on 2026-11-23",
        "ticket 12345679",
        "1234",
    ],
)
def test_what_names_somebody_else_or_nobody_is_left(text):
    assert not names(text, ID, JOERG)
    assert not names(text, ID, NOBODY)


def test_short_names_count_as_a_whole():
    assert names("by bo li himself", ID, LI)
    assert not names("li wrote of bo", ID, LI)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("write to ada@example.org.", True),
        ("call +441234567890", True),
        ("call 0123 456 789", True),
        ("known since 2026-11-23, 10:05", False),
        ("since 01/02/2026", False),
        ("revenue 12345678 and 0.1234567", False),
        ("at the box office @ noon", False),
        ("", False),
    ],
)
def test_contacts_are_seen_whoever_they_belong_to(text, told):
    assert tells_contacts(text) is told
