"""Published events reach their documents, a refill makes lost ones anew, and the command prints them."""

import asyncio
import os
import subprocess
import sys
from uuid import uuid4

import pytest
from pymongo import AsyncMongoClient
from tickettoken.metrics.v1 import ingest_service_pb2

from services.metrics.event_documents.store import COLLECTION
from services.metrics.raw_events.store import COLLECTION as RAW_EVENTS
from tests.metrics.serving import eventually_equal
from tests.platform import events as make


@pytest.fixture
async def mongo(mongo_url):
    client = AsyncMongoClient(mongo_url, tz_aware=True)
    yield client["metrics"]
    await client.close()


async def command(process, *arguments):
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "services.metrics", *arguments],
        env=os.environ | process.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_published_statements_are_printed_and_survive_the_loss_of_their_documents(
    metrics_process, mongo
):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    sent = [
        make.event_created(tenant, venue, show, name="Premiere"),
        make.ticket_type_updated(tenant, venue, show, uuid4(), version=1),
        make.order_completed(tenant, venue, show=show),
    ]
    own = {"tenant_id": str(tenant)}
    async with metrics_process.client(tenant) as client:
        await client.ingest.PublishEvents(
            ingest_service_pb2.PublishEventsRequest(events=sent), metadata=client.metadata
        )

    async def kept():
        documents = await mongo[COLLECTION].find(own).to_list()
        return sum(len(one["statements"]) for one in documents), await mongo[RAW_EVENTS].count_documents(own)

    assert await eventually_equal(kept, (2, 3), within_seconds=30)
    asked = ("show-history", "--tenant", str(tenant), "--event", str(show))
    printed = await command(metrics_process, *asked)
    await mongo[COLLECTION].delete_many(own)
    lost = await command(metrics_process, *asked)
    refilled = await command(metrics_process, "replay", "--documents", "--tenant", str(tenant))
    again = await command(metrics_process, *asked)
    foreign = await command(metrics_process, "show-history", "--tenant", str(uuid4()), "--event", str(show))

    assert printed.returncode == 0, printed.stderr
    assert "Premiere" in printed.stdout
    assert "1 ticket types, 2 statements" in printed.stdout
    assert (lost.returncode, lost.stdout) == (1, "")
    assert "applied 2 events to documents of shows, refused 0" in refilled.stdout, refilled.stderr
    assert again.stdout == printed.stdout
    assert (foreign.returncode, foreign.stdout) == (1, "")
