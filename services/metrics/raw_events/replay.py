"""Raw events once more, in the order in which they were stored."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.sealing import Seal, SealBroken
from services.metrics.errors import ResumeExpired, ResumeTokenInvalid
from services.metrics.raw_events.documents import event_of
from services.metrics.raw_events.people import tell_people
from services.metrics.raw_events.store import Position, RawEventStore, Wanted

_STILL_ARRIVING: Final = timedelta(minutes=1)
_PURPOSE: Final = b"raw-events"


class Replay:
    """Reads a tenant's raw events in batches that can be continued.

    Args:
        store: The raw events.
        key: 32 bytes, the same on every replica.
        batch: Events in a batch.
        now: The present instant.
    """

    def __init__(
        self,
        store: RawEventStore,
        key: bytes,
        *,
        batch: int = 1000,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._batch = batch
        self._seal = Seal(key)
        self._now = now

    async def batches(
        self,
        tenant_id: UUID,
        resume_token: str = "",
        *,
        types: tuple[str, ...] = (),
        start: datetime | None = None,
        end: datetime | None = None,
        customer_id: UUID | None = None,
    ) -> AsyncIterator[tuple[str, list[Event]]]:
        """What was stored until now, after the token; each batch with the token that continues it.

        Tokens never pass the last minute: a writer on another clock may still store something there, and a
        stream that is continued sends that minute again rather than miss it.

        Raises:
            ResumeTokenInvalid: The token was made for another tenant, or by somebody else.
            ResumeExpired: Events after the token are no longer kept.
            DependencyUnavailable: The raw events are not reachable.
        """
        now = self._now()
        position = self._position(tenant_id, resume_token, now) if resume_token else Position.start()
        wanted = Wanted(now, types, start, end, customer_id)
        if customer_id is not None:
            await tell_people(self._store, tenant_id)
        settled = Position(now - _STILL_ARRIVING, "")
        async with aclosing(self._store.batches(wanted, position, self._batch)) as pages:
            async for page in pages:
                position = Position(page[-1]["stored_at"], page[-1]["id"])
                token = self._token(tenant_id, min(position, settled))
                yield token, [event_of(one, tenant_id) for one in page]

    def _token(self, tenant_id: UUID, position: Position) -> str:
        payload = f"{position.stored_at.isoformat()}|{position.id}"
        return self._seal.close(payload.encode(), bound_to=_PURPOSE + tenant_id.bytes)

    def _position(self, tenant_id: UUID, token: str, now: datetime) -> Position:
        try:
            payload = self._seal.open(token, bound_to=_PURPOSE + tenant_id.bytes).decode()
        except SealBroken as error:
            raise ResumeTokenInvalid("resumeToken: not a token of this tenant's replay") from error
        stored_at, _, event_id = payload.partition("|")
        position = Position(datetime.fromisoformat(stored_at), event_id)
        if position.stored_at < now - self._store.kept:
            raise ResumeExpired("events after this token are no longer kept; start again without one")
        return position
