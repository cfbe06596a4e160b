"""Events that leave with the transaction that caused them, and the relay that carries them to the bus.

The relay takes rows by deleting them in the transaction in which it waits for the broker's confirmation: a
crash or an outage rolls back and leaves them where they were. It asks which rows exist, never what came
after the last one seen, so a transaction that commits late is not skipped and needs no watermark.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.envelope import PROTOBUF, decode, encode, stamp_trace
from libs.common.bus.port import Bus, NoSubscriber
from libs.common.errors import AnalyticsError
from libs.common.postgres.database import Connection, Database
from libs.common.postgres.rls import tenant_table, worker_policy
from libs.common.tasks import ended

log = logging.getLogger(__name__)

CHANNEL = "outbox"

OUTBOX_DDL: tuple[str, ...] = (
    """
    create table outbox (
        id bigint generated always as identity primary key,
        tenant_id uuid not null,
        event_id uuid not null,
        type text not null,
        content bytea not null,
        due_at timestamptz not null default now(),
        created_at timestamptz not null default now()
    ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)
    """,
    "create index outbox_due on outbox (due_at, id)",
    *tenant_table("outbox", app="insert"),
    *worker_policy("outbox", privileges="select, update, delete"),
)

# One row an event. The notification leaves at commit, once a transaction however often it is asked for.
APPEND = """
with added as (
    insert into outbox (tenant_id, event_id, type, content)
    select $1, e.event_id, e.type, e.content
    from unnest($2::uuid[], $3::text[], $4::bytea[]) as e (event_id, type, content)
)
select pg_notify('outbox', '')
"""

# The oldest due rows that no other relay holds, by index outbox_due; gone once the broker has confirmed.
TAKE = """
with batch as materialized (
    select id from outbox where due_at <= now() order by due_at, id limit $1 for update skip locked
)
delete from outbox using batch where outbox.id = batch.id returning outbox.id, outbox.content
"""

# Events of a type that nobody takes yet must not hold up the others.
POSTPONE = "update outbox set due_at = now() + interval '5 seconds' where type = $1 and due_at <= now()"


async def append(connection: Connection, events: Sequence[Event]) -> None:
    """Publish events if and when the transaction of this connection commits. All belong to its tenant.

    Raises:
        UnreadableEvent: An event's type and payload disagree.
    """
    if not events:
        return
    (tenant_id,) = {UUID(event.tenant_id) for event in events}
    for event in events:
        stamp_trace(event)
    await connection.execute(
        APPEND,
        tenant_id,
        [UUID(event.event_id) for event in events],
        [event.type for event in events],
        [encode(event) for event in events],
    )


class OutboxRelay:
    """Carries committed events to the bus, milliseconds after their commit. Several relays may run at once.

    Args:
        database: The worker role's database; one of its connections listens.
        bus: Where the events go.
        batch_size: Most events in one transaction.
        poll_seconds: Longest time an event waits when its notification was lost.
    """

    def __init__(
        self, database: Database, bus: Bus, *, batch_size: int = 500, poll_seconds: float = 1.0
    ) -> None:
        self._database = database
        self._bus = bus
        self._batch_size = batch_size
        self._poll_seconds = poll_seconds
        self._woken = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Look at once: for producers in the same process."""
        self._woken.set()

    def stop(self) -> None:
        """Let the batch in hand finish, then let `run` return."""
        self._stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Relay until `stop`, through outages of the broker and of the database."""
        listening = asyncio.create_task(self._listen())
        pause = self._poll_seconds
        try:
            while not self._stopping:
                self._woken.clear()
                try:
                    carried = await self.relay_once()
                    pause = self._poll_seconds
                except AnalyticsError as error:
                    log.warning("the outbox waits: %s", error.message)
                    carried, pause = 0, min(2 * pause, 5.0)
                    await asyncio.sleep(min(pause, 0.5))
                if carried < self._batch_size:
                    await self._wait(pause)
        finally:
            await ended(listening)

    async def relay_once(self) -> int:
        """Carry one batch; returns its size, 0 when nothing is due.

        Raises:
            BusUnavailable: Nothing is lost; the batch may have arrived in part and will be sent again.
        """
        try:
            async with self._database.infrastructure() as connection:
                rows = await connection.fetch(TAKE, self._batch_size)
                rows.sort(key=lambda row: row["id"])
                if rows:
                    await self._bus.publish([decode(row["content"], PROTOBUF) for row in rows])
                return len(rows)
        except NoSubscriber as error:
            await self._postpone(error)
            return self._batch_size

    async def _postpone(self, error: NoSubscriber) -> None:
        log.warning("events wait for a subscriber: %s", error.message)
        async with self._database.infrastructure() as connection:
            await connection.execute(POSTPONE, error.metadata["routing_key"])

    async def _listen(self) -> None:
        while True:
            try:
                await self._database.listen(CHANNEL, self._woken.set)
            except AnalyticsError as error:
                log.warning("the outbox polls while it cannot listen: %s", error.message)
            await asyncio.sleep(self._poll_seconds)

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)
