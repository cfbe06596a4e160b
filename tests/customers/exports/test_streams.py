"""An export is one snapshot, and ends with its token, its caller or its turn."""

import asyncio
from datetime import timedelta

import grpc
import pytest

from libs.common.context import TenantScope
from libs.common.tables.snapshots import ExportsBusy
from services.customers.exports.exporter import Exporter
from services.customers.exports.question import question_of
from tests.customers.exports.asking import ALWAYS, MANY, asked
from tests.metrics.exports.reading import rest_of, table
from tests.metrics.serving import eventually_equal, refused
from tests.platform import events as make

# Grain: connection that an export holds.
EXPORTING = """
select count(*) from pg_stat_activity
 where datname = current_database() and state = 'idle in transaction' and query like '%purchases%'
"""


async def test_what_commits_after_the_first_message_is_not_sent(as_service, many, as_admin):
    tenant, venue = many
    async with as_service(tenant) as client:
        call = client.customers.ExportRows(asked("purchases", ALWAYS), metadata=client.metadata)
        first = await call.read()
        await as_admin.execute(MANY, tenant, venue, make.NOON + timedelta(days=10), 10)
        await as_admin.execute("update purchases set channel = 'door' where tenant_id = $1", tenant)
        rows = table([first, *await rest_of(call)])

    assert [row["gross_minor"] for row in rows] == list(range(1, 60_001))
    assert {row["channel"] for row in rows} == {"web"}


async def test_the_token_ends_an_export(as_service, many, as_admin):
    async with as_service(many[0], ttl=timedelta(seconds=2)) as client:
        call = client.customers.ExportRows(asked("purchases", ALWAYS), metadata=client.metadata)
        await call.read()

        async def rest():
            await asyncio.sleep(2)  # the buffers are full, and what the token allows is over
            return await rest_of(call)

        assert await refused(rest()) == ("UNAUTHENTICATED", "TOKEN_EXPIRED")

    assert await eventually_equal(lambda: as_admin.fetchval(EXPORTING), 0)


async def test_a_caller_that_goes_away_closes_the_cursor(as_service, many, as_admin):
    async with as_service(many[0]) as client:
        call = client.customers.ExportRows(asked("purchases", ALWAYS), metadata=client.metadata)
        assert await call.read() is not grpc.aio.EOF
        assert await eventually_equal(lambda: as_admin.fetchval(EXPORTING), 1)
        call.cancel()

        assert await eventually_equal(lambda: as_admin.fetchval(EXPORTING), 0)


async def test_no_more_exports_run_at_once_than_may(database, venues, pseudonyms, many):
    exporter = Exporter(database, venues, pseudonyms)
    question = question_of(asked("purchases", ALWAYS))
    scope = TenantScope(many[0])
    running = [exporter.batches(scope, question) for _ in range(2)]
    for batches in running:
        await anext(batches)

    with pytest.raises(ExportsBusy):
        await anext(exporter.batches(scope, question))

    for batches in running:
        await batches.aclose()
    assert sum([len(batch) async for batch in exporter.batches(scope, question)]) == 60_000
