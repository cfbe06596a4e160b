"""Whether a text that is kept says who somebody is."""

import re
from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

from services.customers.people.words import full_name, normalised_address, words_of

_LEAST_LETTERS: Final = 3
"""Shorter words of a name are words of many languages; they count as parts of the whole name."""
_LEAST_DIGITS: Final = 7
_NATIONAL_DIGITS: Final = 8
"""The end of a phone number that stays the same with and without a country's prefix."""
_BETWEEN_DIGITS: Final = re.compile(r"(?<=\d)[\s()./-]+(?=\d)")
_ADDRESS: Final = re.compile(r"[^\s@<>()\[\],;]+@[^\s@<>()\[\],;]+\.[^\s@<>()\[\],;]*\w")
_BETWEEN_GROUPS: Final = re.compile(r"(?<=\d)[\s()/-]+(?=\d)")  # a point parts decimals and dates as well
_PHONE: Final = re.compile(r"(?<![\w.,:-])(?:\+\d{7,}|0\d{8,})(?!\w)")  # of 9 digits, as dates have 8


class Named(Protocol):
    """What a person is called; empty where it is not known."""

    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def phone(self) -> str: ...


def names(text: str, customer_id: UUID, person: Named) -> bool:
    """Whether a text names a person: by their id, mail address, phone number, name, or a word of their name.

    Words are compared as a search compares them, without case and diacritics, and phone numbers by their
    digits, whatever parts them and with or without the prefix of a country.

    Args:
        text: Any.
        customer_id: The person's.
        person: What is known of them.
    """
    told = list(words_of(text))
    address = normalised_address(person.email)
    return (
        customer_id.hex in "".join(told)
        or bool(address and address in normalised_addresses(text))
        or _has_number(text, person.phone)
        or _has_name(told, list(words_of(person.name)))
    )


def tells_contacts(text: str) -> bool:
    """Whether a text holds anybody's mail address, or what can hardly be anything but a phone number."""
    return bool(_ADDRESS.search(text) or _PHONE.search(_BETWEEN_GROUPS.sub("", text)))


def normalised_addresses(text: str) -> set[str]:
    """The mail addresses in a text."""
    return {normalised_address(found.strip(".'\"")) for found in _ADDRESS.findall(text)}


def _has_name(told: Sequence[str], name: Sequence[str]) -> bool:
    if any(len(word) >= _LEAST_LETTERS for word in set(name) & set(told)):
        return True
    return bool(name) and f" {full_name(name)} " in f" {full_name(told)} "


def _has_number(text: str, phone: str) -> bool:
    digits = re.sub(r"\D", "", phone)[-_NATIONAL_DIGITS:]
    return len(digits) >= _LEAST_DIGITS and digits in _BETWEEN_DIGITS.sub("", text)
