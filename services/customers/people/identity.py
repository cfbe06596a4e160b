"""The one place where what is known of a person becomes part of an answer: whole, or masked."""

from collections.abc import Sequence
from typing import Final, Protocol

from tickettoken.customers.v1 import people_pb2

from libs.common.context import current_caller
from services.customers.people.masking import masked_city, masked_email, masked_name, masked_phone

PII: Final = "analytics.pii"
"""The permission to see who people are."""


class Known(Protocol):
    """What is known of a person; empty where it is not."""

    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def phone(self) -> str: ...
    @property
    def city(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def tags(self) -> Sequence[str]: ...


def caller_sees_pii() -> bool:
    """Whether the caller of the work in progress may see who people are.

    Raises:
        LookupError: There is no caller.
    """
    return PII in current_caller().permissions


def identity_message(person: Known, *, shows_pii: bool) -> people_pb2.Identity:
    """The person as the contract shows them, masked unless `shows_pii`."""
    if shows_pii:
        return people_pb2.Identity(
            name=person.name,
            email=person.email,
            phone=person.phone,
            city=person.city,
            country=person.country,
            tags=person.tags,
        )
    return people_pb2.Identity(
        name=masked_name(person.name),
        email=masked_email(person.email),
        phone=masked_phone(person.phone),
        city=masked_city(person.city),
        country=person.country,
        is_masked=any((person.name, person.email, person.phone, person.city, person.tags)),
    )
