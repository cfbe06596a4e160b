"""Exports show people to those who may know them, and by name only those who consented."""

from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from deploy.local.credentials import PERMISSIONS
from libs.common.bus.consumer import service_caller
from libs.common.errors import DependencyUnavailable
from libs.common.redis import connect
from services.customers.auditing import Audit
from services.customers.exports.data_sets import DATA_SETS
from services.customers.exports.exporter import Exporter
from services.customers.exports.question import question_of
from services.customers.people.identity import PII
from services.customers.privacy.pseudonyms import DailyPseudonyms
from tests.customers.exports.asking import ADA, ALWAYS, SCORE, ada, asked
from tests.customers.people.shoppers import bought, record
from tests.platform import events as make


async def test_who_people_are_is_masked_without_the_permission(handler, export):
    tenant, venue, person = (uuid4() for _ in range(3))
    await record(handler, [ada(tenant, person, marketing_consent=True), bought(tenant, venue, person)])

    whole = {row["customer_id"]: row for row in await export(tenant, "customers")}
    few = [one for one in PERMISSIONS if one != PII]
    masked = {row["customer_id"]: row for row in await export(tenant, "customers", permissions=few)}

    row = whole[str(person)]
    assert {name: row[name] for name in ADA} == ADA
    assert (row["tags"], row["marketing_consent"], row["registered_at"]) == ('["vip"]', True, make.NOON)
    hidden = {"name": "A*** B***", "email": "a***@e***.org", "phone": "***90", "city": "L***", "tags": None}
    assert masked[str(person)] == row | hidden


@pytest.mark.parametrize("permissions", [PERMISSIONS, [one for one in PERMISSIONS if one != PII]])
async def test_who_has_not_consented_is_in_every_data_set_under_one_name_of_the_day_alone(
    handler, as_admin, export, pseudonyms, permissions
):
    tenant, venue, refused_, silent, stranger = (uuid4() for _ in range(5))
    await record(
        handler,
        [
            ada(tenant, refused_, marketing_consent=False),
            ada(tenant, silent),
            *(bought(tenant, venue, person) for person in (refused_, silent, stranger)),
        ],
    )
    for person in (refused_, silent, stranger):
        await as_admin.execute(SCORE, tenant, venue, person, make.NOON)

    rows = {
        dataset: await export(tenant, dataset, ALWAYS, permissions=permissions, venue_id=str(venue))
        for dataset in DATA_SETS
    }

    names = await pseudonyms.of_day(tenant, ZoneInfo("UTC"))
    called = {names.of("customer", str(person)): person for person in (refused_, silent, stranger)}
    for dataset in DATA_SETS:
        assert {row["customer_id"] for row in rows[dataset]} == set(called)
    people = {called[row["customer_id"]]: row for row in rows["customers"]}
    for person, consent in ((refused_, False), (silent, None)):
        row = people[person]
        assert [row[name] for name in (*ADA, "tags")] == [None] * 5
        assert (row["marketing_consent"], row["country"], row["order_count"]) == (consent, "GB", 1)
    unknown = ("name", "country", "marketing_consent", "registered_at", "channel")
    assert [people[stranger][name] for name in unknown] == [None] * 5


async def test_without_the_salts_nobody_is_exported_by_their_id(database, venues, many):
    nowhere = connect("redis://127.0.0.1:1")
    pseudonyms, audit = DailyPseudonyms(nowhere, service="customers"), Audit(database, b"k" * 32)
    exporter = Exporter(database, venues, pseudonyms, audit)
    caller = service_caller("customers", many[0])

    with pytest.raises(DependencyUnavailable):
        await anext(exporter.batches(caller, question_of(asked("purchases", ALWAYS))))

    await nowhere.aclose()
