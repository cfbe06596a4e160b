"""Names of a day: unrelated over days, tenants and kinds, and lost with their salt."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from libs.common.errors import DependencyUnavailable
from libs.common.redis import connect, tenant_key
from services.customers.privacy.pseudonyms import DailyPseudonyms, Names

BERLIN = ZoneInfo("Europe/Berlin")
LATE = datetime.now(UTC).replace(hour=23, minute=30)

RFC_4231 = [
    ("0b" * 20, "4869205468657265", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (
        "4a656665",
        "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    ("aa" * 20, "dd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (
        "0102030405060708090a0b0c0d0e0f10111213141516171819",
        "cd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
    (
        "aa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First".hex(),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        "aa" * 131,
        (
            b"This is a test using a larger than block-size key and a larger than block-size data. "
            b"The key needs to be hashed before being used by the HMAC algorithm."
        ).hex(),
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
]


@pytest.fixture
async def redis(redis_url):
    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def pseudonyms(redis):
    return DailyPseudonyms(redis, service="customers")


@pytest.mark.parametrize(("key", "message", "digest"), RFC_4231)
def test_the_hash_is_that_of_rfc_4231(key, message, digest):
    assert hmac.digest(bytes.fromhex(key), bytes.fromhex(message), "sha256").hex() == digest


def test_a_name_is_an_hmac_of_kind_and_identifier_with_their_lengths():
    message = b"\x00\x00\x00\x08customer\x00\x00\x00\x03abc"

    expected = hmac.new(b"s" * 32, message, hashlib.sha256).hexdigest()[:32]

    assert Names(b"s" * 32).of("customer", "abc") == expected


def test_a_name_tells_nothing_of_the_identifier():
    identifier = str(uuid4())

    name = Names(b"s" * 32).of("customer", identifier)

    assert identifier.replace("-", "") not in name
    plain = {hashlib.sha256(text.encode()).hexdigest()[:32] for text in (identifier, "customer" + identifier)}
    assert name not in plain


def test_parts_do_not_run_into_each_other():
    names = Names(b"s" * 32)

    assert names.of("a", "bc") != names.of("ab", "c")


def test_one_mail_address_has_one_name_however_it_is_written():
    names = Names(b"s" * 32)

    assert names.of("email", "J\u00f6rg@Example.com") == names.of("email", " Jo\u0308rg@example.com")


def test_many_identifiers_have_as_many_names():
    names = Names(b"s" * 32)

    assert len({names.of("customer", str(number)) for number in range(100_000)}) == 100_000


def test_who_prints_names_does_not_print_their_salt():
    assert "s" * 8 not in repr(Names(b"s" * 32)) + str(vars(Names))


async def test_two_replicas_give_one_name_in_a_day_and_another_the_next(redis, pseudonyms):
    tenant, replica = uuid4(), DailyPseudonyms(redis, service="customers")
    first = await pseudonyms.of_day(tenant, BERLIN, now=LATE)
    again = await replica.of_day(tenant, BERLIN, now=LATE + timedelta(minutes=1))
    later = await pseudonyms.of_day(tenant, BERLIN, now=LATE + timedelta(days=1))

    assert first.of("customer", "x") == again.of("customer", "x") != later.of("customer", "x")


async def test_the_day_begins_at_midnight_of_the_clock(pseudonyms):
    tenant = uuid4()
    evening = datetime(2036, 3, 29, 23, 30, tzinfo=UTC)

    utc = [
        await pseudonyms.of_day(tenant, ZoneInfo("UTC"), now=evening + timedelta(hours=h)) for h in (-1, 0)
    ]
    berlin = [await pseudonyms.of_day(tenant, BERLIN, now=evening + timedelta(hours=h)) for h in (-1, 0)]

    assert utc[0].of("customer", "x") == utc[1].of("customer", "x")
    assert berlin[0].of("customer", "x") != berlin[1].of("customer", "x")


async def test_two_tenants_have_unrelated_names(pseudonyms):
    names = [await pseudonyms.of_day(uuid4(), BERLIN, now=LATE) for _ in range(2)]

    assert names[0].of("customer", "x") != names[1].of("customer", "x")


async def test_without_its_salt_no_name_of_a_day_can_be_made_again(redis, pseudonyms):
    tenant, utc = uuid4(), ZoneInfo("UTC")
    before = (await pseudonyms.of_day(tenant, utc, now=LATE)).of("customer", "x")
    await redis.delete(
        tenant_key("analytics", tenant, "customers", "daily-salt", "UTC", LATE.date().isoformat())
    )

    assert (await pseudonyms.of_day(tenant, utc, now=LATE)).of("customer", "x") != before


async def test_a_salt_ends_an_hour_after_its_day(redis, pseudonyms):
    tenant = uuid4()
    await pseudonyms.of_day(tenant, ZoneInfo("UTC"), now=LATE)
    key = tenant_key("analytics", tenant, "customers", "daily-salt", "UTC", LATE.date().isoformat())

    assert 0 < await redis.ttl(key) <= 90 * 60


async def test_without_redis_there_are_no_names():
    nowhere = connect("redis://127.0.0.1:1")
    with pytest.raises(DependencyUnavailable):
        await DailyPseudonyms(nowhere, service="customers").of_day(uuid4(), BERLIN)
    await nowhere.aclose()
