"""Page sizes and tokens: what a client may send, and what a token is bound to."""

import string
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tickettoken.metrics.v1.series_pb2 import ListMetricsRequest

from libs.common.errors import InvalidField, Kind
from libs.common.paging import PageTokenInvalid, PageTokens, page_size
from libs.common.sealing import Seal, SealBroken, derive_key

TENANT = uuid4()
TOKENS = PageTokens(b"k" * 32)
ALPHABET = string.ascii_letters + string.digits + "-_"


def request(token="", **fields):
    return ListMetricsRequest(**{"venue_id": "v", "metric_type": "visits", **fields}, page_token=token)


@pytest.mark.parametrize(
    ("asked", "given_rows"), [(0, 50), (1, 1), (1000, 1000), (1001, 1000), (2**31 - 1, 1000)]
)
def test_page_sizes(asked, given_rows):
    assert page_size(asked) == given_rows


def test_a_negative_page_size_is_refused():
    with pytest.raises(InvalidField) as refusal:
        page_size(-1)
    assert refusal.value.violations[0].field == "pageSize"


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(-(2**63), 2**63),
            st.text(),
            st.floats(allow_nan=False),
            st.uuids(),
            st.datetimes(timezones=st.just(UTC)),
        ),
        min_size=1,
    ).map(tuple)
)
def test_a_token_gives_back_the_position_exactly(position):
    token = TOKENS.make(position, tenant_id=TENANT, request=request())

    assert TOKENS.read(tenant_id=TENANT, request=request(token)) == position
    assert token.isascii()
    assert not set("+/=") & set(token)


def test_the_first_page_has_no_position():
    assert TOKENS.read(tenant_id=TENANT, request=request()) is None


def test_the_page_size_may_change_between_pages():
    token = TOKENS.make((1,), tenant_id=TENANT, request=request(page_size=10))

    assert TOKENS.read(tenant_id=TENANT, request=request(token, page_size=20)) == (1,)


def test_a_token_is_bound_to_tenant_filter_and_key():
    token = TOKENS.make((1, datetime(2026, 1, 1, tzinfo=UTC)), tenant_id=TENANT, request=request())

    for tokens, tenant, other in (
        (TOKENS, uuid4(), request(token)),
        (TOKENS, TENANT, request(token, metric_type="scans")),
        (TOKENS, TENANT, request(token, granularity="day")),
        (PageTokens(b"x" * 32), TENANT, request(token)),
    ):
        with pytest.raises(PageTokenInvalid) as refusal:
            tokens.read(tenant_id=tenant, request=other)
        assert refusal.value.reason == "PAGE_TOKEN_INVALID"
        assert refusal.value.kind is Kind.INVALID_ARGUMENT
        assert refusal.value.violations[0].field == "pageToken"


@given(st.one_of(st.text(min_size=1), st.from_regex(r"[A-Za-z0-9_-]{1,200}", fullmatch=True)))
def test_no_made_up_token_is_accepted(token):
    with pytest.raises(PageTokenInvalid):
        TOKENS.read(tenant_id=TENANT, request=request(token.encode("utf-8", "replace").decode()))


def test_a_very_long_token_is_refused():
    with pytest.raises(PageTokenInvalid):
        TOKENS.read(tenant_id=TENANT, request=request("A" * 100_000))


@given(st.data())
def test_every_changed_character_breaks_the_seal(data):
    seal = Seal(b"k" * 32)
    text = seal.close(b"payload of some length", bound_to=b"tenant")
    index = data.draw(st.integers(0, len(text) - 2))
    shift = data.draw(st.integers(1, len(ALPHABET) - 1))  # not the character: a seal differs each time
    other = ALPHABET[(ALPHABET.index(text[index]) + shift) % len(ALPHABET)]

    with pytest.raises(SealBroken):
        seal.open(text[:index] + other + text[index + 1 :], bound_to=b"tenant")


def test_keys_of_different_purposes_and_identities_are_unrelated(tmp_path):
    from libs.common.auth.keys import generate_private_key

    paths = [tmp_path / "one.pem", tmp_path / "two.pem"]
    for path in paths:
        generate_private_key(path)

    keys = {derive_key(str(path), purpose) for path in paths for purpose in ("a", "b")}

    assert len(keys) == 4
    assert {len(key) for key in keys} == {32}
    assert derive_key(str(paths[0]), "a") == derive_key(str(paths[0]), "a")
