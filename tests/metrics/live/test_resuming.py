"""Streams cut off again and again while a venue is busy: nothing is missed, nothing is taken back."""

import asyncio
from contextlib import suppress
from uuid import uuid4

import pytest
from google.protobuf.json_format import ParseDict
from tickettoken.metrics.v1 import live_pb2

from tests.metrics.live.test_watching import record, watching
from tests.metrics.process import MetricsProcess

NAMES = [f"metric_{number}" for number in range(5)]


@pytest.fixture(scope="module")
def replica(metrics_process, metrics_service, redis_url, mongo_url):
    replica = MetricsProcess(
        metrics_process.folder, metrics_service, redis_url=redis_url, mongo_url=mongo_url, command="serve"
    ).start()
    yield replica
    replica.stop()


def statement(metric):
    return metric.version, metric.windows[0].start_time.seconds


class Known:
    """What a client that resumes again and again was told, and what it should not have been.

    Version and minute order what is told of a metric: its windows move on with the minute. None of it may
    come twice or go back, on whatever stream.
    """

    def __init__(self):
        self.token = ""
        self.latest = {}
        self.wrong = []

    def take(self, message):
        for one in message.updates:
            before = self.latest.get(one.metric_type)
            if before is not None and statement(one) <= statement(before):
                self.wrong.append((one.metric_type, statement(one), statement(before)))
            self.latest[one.metric_type] = one
        self.token = message.resume_token or self.token

    @property
    def sums(self):
        return {name: one.windows[-1].sum for name, one in self.latest.items()}


async def write_until(done, client, venue, totals):
    """Record values in turn until told to stop; keeps the truth in `totals`."""
    number = 0
    while not done.is_set():
        name = NAMES[number % len(NAMES)]
        await record(client, venue, 1.0, metric_type=name)
        totals[name] = totals.get(name, 0.0) + 1.0
        number += 1


async def cut_off_again_and_again(rounds, read, known, client, venue):
    """Read a few messages in each round while somebody writes, then all that is left."""
    totals, done = {}, asyncio.Event()
    for name in NAMES:
        await record(client, venue, 1.0, metric_type=name)
        totals[name] = 1.0
    writer = asyncio.create_task(write_until(done, client, venue, totals))
    for number in range(rounds):
        await read(number, lambda count: count >= 1 + number % 3)  # noqa: B023 - called in this round
    done.set()
    await writer
    await read(rounds, lambda _count: known.sums == totals)
    return totals


async def test_a_grpc_stream_cut_off_200_times_on_two_replicas(metrics_process, replica):
    tenant, venue, known = uuid4(), uuid4(), Known()
    async with (
        asyncio.timeout(300),
        metrics_process.client(tenant) as here,
        replica.client(tenant) as there,
    ):

        async def read(number, is_enough):
            async with watching((here, there)[number % 2], venue, resume_token=known.token) as stream:
                count, is_complete = 0, False
                while not (is_complete and is_enough(count)):
                    message = await stream.next()
                    known.take(message)
                    count += 1
                    is_complete |= message.HasField("snapshot_complete")

        totals = await cut_off_again_and_again(200, read, known, here, venue)

    assert known.sums == totals
    assert known.wrong == []


async def test_a_socket_cut_off_40_times(edge, metrics_process):
    tenant, venue, known = uuid4(), uuid4(), Known()
    token = metrics_process.token(tenant)
    async with asyncio.timeout(300), metrics_process.client(tenant) as client:

        async def read(_number, is_enough):
            query = f"?resumeToken={known.token}" if known.token else ""
            async with edge.follow(venue, token, query=query) as socket:
                count, is_complete = 0, False
                while not (is_complete and is_enough(count)):
                    message = ParseDict(await socket.next(), live_pb2.WatchVenueMetricsResponse())
                    known.take(message)
                    count += 1
                    is_complete |= message.HasField("snapshot_complete")
                with suppress(TimeoutError):
                    await asyncio.wait_for(socket.connection.close(), 1)

        totals = await cut_off_again_and_again(40, read, known, client, venue)

    assert known.sums == totals
    assert known.wrong == []
