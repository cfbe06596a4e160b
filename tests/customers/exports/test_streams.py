"""An export is one snapshot, and ends with its token, its caller or its turn."""

import asyncio
from contextlib import aclosing
from datetime import timedelta

import grpc
import pytest

from libs.common.bus.consumer import service_caller
from libs.common.tables.snapshots import ExportsBusy
from services.customers.auditing import Audit
from services.customers.exports.exporter import Exporter
from services.customers.exports.question import question_of
from tests.customers.auditing import audit_events
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
    exporter = Exporter(database, venues, pseudonyms, Audit(database, b"k" * 32))
    question = question_of(asked("purchases", ALWAYS))
    caller = service_caller("customers", many[0])
    begun, over = asyncio.Semaphore(0), asyncio.Event()

    async def export_meanwhile():
        async with aclosing(exporter.batches(caller, question)) as batches:
            await anext(batches)
            begun.release()
            await over.wait()

    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(export_meanwhile())
            await begun.acquire()

        with pytest.raises(ExportsBusy):
            await anext(exporter.batches(caller, question))
        over.set()
    assert sum([len(batch) async for batch in exporter.batches(caller, question)]) == 60_000


@pytest.mark.usefixtures("working_process")
async def test_an_export_is_told_to_the_audit_before_its_first_row(export, redis_url, many):
    tenant, venue = many
    async with audit_events(redis_url, tenant) as found:
        await export(tenant, "purchases", ALWAYS, venue_id=str(venue))

        async def told():
            return len(found)

        assert await eventually_equal(told, 1, within_seconds=60), found

    (event,) = found.values()
    assert event.audit_recorded.action == "customers.v1.CustomersService/ExportRows"
    assert (event.audit_recorded.resource_type, event.audit_recorded.resource_id) == ("rows", "purchases")
    assert event.venue_id == str(venue)
