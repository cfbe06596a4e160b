"""Words by which people are found, and what a text asks of them."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.errors import InvalidField
from services.customers.people.search_question import MOST_ASKED, Matching, question_of
from services.customers.people.words import MOST_WORDS, Kind, normalised_address, words_of, words_of_person


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ada Byron", ["ada", "byron"]),
        ("José-María O'Brien", ["jose", "maria", "obrien"]),
        ("STRASSE straße", ["strasse", "strasse"]),
        ("Łukasz Sørensen Đorđe", ["lukasz", "sorensen", "dorde"]),
        ("İstanbul", ["istanbul"]),
        ("ﬁne Ⅷ", ["fine", "viii"]),
        ("王小明", ["王小明"]),
        ("が", ["\u304b\u3099"]),
        ("\u0939\u093f\u0928\u094d\u0926\u0940", ["\u0939\u093f\u0928\u094d\u0926\u0940"]),
        ("--- !!", []),
        ("", []),
    ],
)
def test_words_are_what_a_text_says_however_it_is_written(text, words):
    assert list(words_of(text)) == words


@given(st.text(max_size=60))
def test_words_of_words_are_the_same(text):
    words = list(words_of(text))

    assert list(words_of(" ".join(words))) == words


@given(st.text(max_size=300))
def test_case_changes_no_latin_word(text):
    latin = "".join(character for character in text if character.isascii())

    assert list(words_of(latin.upper())) == list(words_of(latin.lower()))


@given(st.text(max_size=300), st.text(max_size=320))
def test_every_word_fits_into_an_index_and_into_a_text_of_the_database(name, email):
    for word, _ in words_of_person(name, email):
        assert 0 < len(word.encode()) <= 600
        assert "\0" not in word


def test_a_person_is_found_by_words_of_name_and_mailbox_and_by_either_as_a_whole():
    found = words_of_person("Ada Byron", "A.King@Example.org")

    assert found == {
        ("ada", Kind.NAME),
        ("byron", Kind.NAME),
        ("ada byron", Kind.FULL_NAME),
        ("a", Kind.MAILBOX),
        ("king", Kind.MAILBOX),
        ("a.king@example.org", Kind.ADDRESS),
    }


def test_nobody_has_more_words_than_are_kept():
    found = words_of_person(" ".join(f"w{n}" for n in range(100)), "")

    assert len([word for word in found if word.kind is Kind.NAME]) == MOST_WORDS


@pytest.mark.parametrize(
    ("email", "address"),
    [("", ""), ("none", ""), ("@example.org", ""), (" Ada@EXAMPLE.org ", "ada@example.org")],
)
def test_addresses_are_compared_without_case(email, address):
    assert normalised_address(email) == address


def asked(text, *, shows_pii):
    question = question_of(text, shows_pii=shows_pii)
    return question.matching, [word for word, _ in question.asked], set(question.kinds)


def test_who_sees_people_asks_for_prefixes_of_each_word():
    matching, words, kinds = asked("Ada ada@Ex byr", shows_pii=True)

    assert (matching, words) == (Matching.PREFIX, ["ada", "ada@ex", "byr"])
    assert kinds == {Kind.NAME, Kind.MAILBOX, Kind.ADDRESS}


@pytest.mark.parametrize(
    ("text", "word", "kind"),
    [
        ("Byron", "byron", Kind.FULL_NAME),
        ("ada BYRON", "ada byron", Kind.FULL_NAME),
        ("Ada@example.org", "ada@example.org", Kind.ADDRESS),
    ],
)
def test_others_ask_for_a_whole_name_or_a_whole_address(text, word, kind):
    question = question_of(text, shows_pii=False)

    assert question.matching is Matching.EXACT
    assert question.kinds == (kind,)
    assert [(one.word, one.until) for one in question.asked] == [(word, word + "\x01")]


@pytest.mark.parametrize("shows_pii", [True, False])
def test_an_id_is_asked_for_as_one(shows_pii):
    person = uuid4()

    assert question_of(f" {person} ", shows_pii=shows_pii).customer_id == person


@pytest.mark.parametrize("shows_pii", [True, False])
@pytest.mark.parametrize("text", ["!", " - ", "'"])
def test_a_text_without_letter_or_digit_is_refused(text, shows_pii):
    with pytest.raises(InvalidField) as refused:
        question_of(text, shows_pii=shows_pii)

    assert refused.value.violations[0].field == "q"


def test_words_beyond_the_first_ones_are_not_asked_for():
    _, words, _ = asked(" ".join(f"w{n}" for n in range(20)), shows_pii=True)

    assert len(words) == MOST_ASKED


def test_a_single_latin_letter_is_no_prefix():
    (initial,) = question_of("A", shows_pii=True).asked
    (family,) = question_of("王", shows_pii=True).asked

    assert not initial.word <= "ab" < initial.until
    assert initial.word <= "a" < initial.until
    assert family.word <= "王小明" < family.until
