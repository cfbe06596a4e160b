"""Words to find people by: how a name or a mail address is written does not matter, only what it says."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final, NamedTuple

MOST_WORDS: Final = 40
"""Words kept of one field."""

_MOST_BYTES: Final = 600  # an index entry holds 2,700
_FIRST_DIACRITIC: Final = 10  # combining classes below are letters' parts: kana's voicing, Indic signs
_SILENT: Final = re.compile("['\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}`]")
# Letters that Unicode does not take apart, as people without that key on their keyboard write them.
_PLAIN: Final = str.maketrans(
    {
        "\N{LATIN SMALL LETTER O WITH STROKE}": "o",
        "\N{LATIN SMALL LETTER L WITH STROKE}": "l",
        "\N{LATIN SMALL LETTER D WITH STROKE}": "d",
        "\N{LATIN SMALL LETTER H WITH STROKE}": "h",
        "\N{LATIN SMALL LETTER T WITH STROKE}": "t",
        "\N{LATIN SMALL LETTER ETH}": "d",
        "\N{LATIN SMALL LETTER THORN}": "th",
        "\N{LATIN SMALL LETTER AE}": "ae",
        "\N{LATIN SMALL LIGATURE OE}": "oe",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
    }
)


class Kind(StrEnum):
    """What a word of a person was taken from."""

    NAME = "name"
    MAILBOX = "mailbox"
    ADDRESS = "address"
    """The whole mail address."""
    FULL_NAME = "full_name"
    """All words of the name, a space between them."""


class Word(NamedTuple):
    """One word to find a person by."""

    word: str
    kind: Kind


def words_of_person(name: str, email: str) -> set[Word]:
    """Everything by which a person can be found, their id apart."""
    named = list(words_of(name))
    found = {Word(word, Kind.NAME) for word in named[:MOST_WORDS]}
    if named:
        found.add(Word(full_name(named), Kind.FULL_NAME))
    if address := normalised_address(email):
        found.add(Word(address, Kind.ADDRESS))
        mailbox = list(words_of(address.rpartition("@")[0]))
        found |= {Word(word, Kind.MAILBOX) for word in mailbox[:MOST_WORDS]}
    return found


def words_of(text: str) -> Iterator[str]:
    """The words of a text, normalised, in its order.

    Compatibility forms, case, diacritics and apostrophes are taken off; what is neither letter, mark nor
    digit parts words.

    Source: Unicode 15, UAX #15 (NFKD) and section 5.18 (caseless matching).
    """
    word: list[str] = []
    for character in f"{_plain(_SILENT.sub('', text))} ":
        if character.isalnum() or (word and unicodedata.category(character)[0] == "M"):
            word.append(character)
        elif word:
            yield _bounded("".join(word))
            word.clear()


def full_name(words: Iterable[str]) -> str:
    """A whole name as one word."""
    return _bounded(" ".join(words))


def normalised_address(email: str) -> str:
    """A mail address without case, white space and compatibility forms; empty when it is none."""
    address = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", email).casefold())
    seen = "".join(character for character in address if character.isprintable() and character != " ")
    mailbox, at, domain = seen.rpartition("@")
    return _bounded(f"{mailbox}@{domain}") if at and mailbox else ""


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    kept = (character for character in folded if unicodedata.combining(character) < _FIRST_DIACRITIC)
    return "".join(kept).translate(_PLAIN)


def _bounded(word: str) -> str:
    return word.encode()[:_MOST_BYTES].decode(errors="ignore")
