"""Exports as services ask for them, and tenants with something to export."""

from datetime import timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from deploy.local.credentials import AUDIENCE, PERMISSIONS
from libs.common.auth.identity import IdentityIssuer
from services.customers.privacy.pseudonyms import DailyPseudonyms
from tests.customers.exports.asking import MANY, asked
from tests.customers.people.shoppers import record
from tests.customers.process import Client
from tests.customers.purchases import histories
from tests.customers.purchases.histories import History
from tests.metrics.exports.reading import table
from tests.platform import events as make


@pytest.fixture
def as_service(customers_process):
    """Clients with the identity of a service."""

    def connected(tenant, *, venues=None, permissions=PERMISSIONS, ttl=timedelta(minutes=5)):
        key = customers_process.credentials.identity_key("customers")
        token = IdentityIssuer("customers", key, AUDIENCE).token(tenant, permissions, venues, ttl)
        return Client.connected(customers_process.port, tenant, token)

    return connected


@pytest.fixture
def export(as_service):
    """All rows of a data set, each as a dict by column."""

    async def read(tenant, dataset, window=None, *, venues=None, permissions=PERMISSIONS, **fields):
        async with as_service(tenant, venues=venues, permissions=permissions) as client:
            call = client.customers.ExportRows(asked(dataset, window, **fields), metadata=client.metadata)
            return table([message async for message in call])

    return read


@pytest.fixture
def pseudonyms(redis):
    return DailyPseudonyms(redis, service="customers")


@pytest.fixture
def named(pseudonyms):
    """How exports of today name people of a tenant: those whose newest profile consents by their id."""

    async def named(tenant, events):
        names = await pseudonyms.of_day(tenant, ZoneInfo("UTC"))
        told = histories.profiles(events)
        return lambda person: (
            person if person in told and told[person].marketing_consent else names.of("customer", person)
        )

    return named


@pytest.fixture
async def history(handler):
    made = History(23)
    await record(handler, made.events)
    return made


@pytest.fixture
async def many(handler, as_admin):
    """A tenant with 60,000 purchases: far more than the buffers of a connection hold."""
    tenant, venue = uuid4(), uuid4()
    await record(handler, [make.venue_updated(tenant, venue)])
    await as_admin.execute(MANY, tenant, venue, make.NOON, 60_000)
    return tenant, venue
