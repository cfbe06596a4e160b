"""What a text to search for asks, and who may ask it how."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from libs.common.errors import InvalidField
from services.customers.people.words import Kind, full_name, normalised_address, words_of

MOST_ASKED: Final = 8
"""Words of a text that are searched for; the rest is ignored."""

_PREFIX_KINDS: Final = (Kind.NAME, Kind.MAILBOX, Kind.ADDRESS)
_NEXT: Final = "\x01"  # nothing sorts between a word and the word with this behind it
_LAST: Final = "\U0010ffff"  # sorts behind every character of a word


class Matching(StrEnum):
    """How texts are compared."""

    PREFIX = "prefix"
    EXACT = "exact"


class Asked(NamedTuple):
    """A range of words: from `word` up to, not including, `until`."""

    word: str
    until: str


@dataclass(frozen=True, slots=True)
class SearchQuestion:
    """A person's id, or ranges of words of some kinds; never both."""

    matching: Matching
    customer_id: UUID | None = None
    kinds: tuple[Kind, ...] = ()
    asked: tuple[Asked, ...] = ()


def question_of(text: str, *, shows_pii: bool) -> SearchQuestion:
    """What `text` asks.

    Who may not see people would learn their names letter by letter from which prefixes find them, and word by
    word from a dictionary. So they find a person only by what they must know beforehand: the id, the whole
    mail address, or the complete name.

    Raises:
        InvalidField: The text holds neither letter nor digit.
    """
    matching = Matching.PREFIX if shows_pii else Matching.EXACT
    customer_id = _id_of(text)
    if customer_id is not None:
        return SearchQuestion(matching, customer_id)
    asked, kinds = (_prefixes(text), _PREFIX_KINDS) if shows_pii else _whole(text)
    if not asked:
        raise InvalidField.of("q", "must hold a letter or a digit")
    return SearchQuestion(matching, None, kinds, asked)


def _prefixes(text: str) -> tuple[Asked, ...]:
    words: dict[str, None] = {}
    for part in text.split():
        address = normalised_address(part)
        words |= dict.fromkeys([address] if address else words_of(part))
    return tuple(_range(word) for word in list(words)[:MOST_ASKED])


def _range(word: str) -> Asked:
    """Words that begin with this one; of a single Latin letter the word itself, which is an initial."""
    return Asked(word, word + _NEXT if len(word) == 1 and word.isascii() else word + _LAST)


def _whole(text: str) -> tuple[tuple[Asked, ...], tuple[Kind, ...]]:
    address = normalised_address(text)
    word, kind = (address, Kind.ADDRESS) if address else (full_name(words_of(text)), Kind.FULL_NAME)
    return ((Asked(word, word + _NEXT),) if word else ()), (kind,)


def _id_of(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None
