"""Members of the segments that tenants make, kept current in the transactions that write scores."""

import json
from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID

from google.protobuf import json_format
from tickettoken.customers.v1 import segments_pb2

from libs.common.postgres.database import Connection
from services.customers.segments.criteria import criteria_of
from services.customers.segments.store import SegmentStore


class Members:
    """Follows scores: see `rfm.following`."""

    async def everyone(self, conn: Connection, tenant_id: UUID, venue_id: UUID) -> None:
        """All scores of a place were written."""
        await self._keep(conn, tenant_id, venue_id, None)

    async def some(
        self, conn: Connection, tenant_id: UUID, venue_id: UUID, customer_ids: Collection[UUID]
    ) -> None:
        """Scores of these people at a place were written, or their own data changed."""
        await self._keep(conn, tenant_id, venue_id, customer_ids)

    async def _keep(
        self, conn: Connection, tenant_id: UUID, venue_id: UUID, customer_ids: Collection[UUID] | None
    ) -> None:
        store = SegmentStore(conn, tenant_id, venue_id)
        at = datetime.now(UTC)
        for segment, predicate in (await store.own()).items():
            criteria = criteria_of(predicate_of(predicate))
            await store.keep_members(segment, criteria.binds, customer_ids, at)


def predicate_of(stored: str) -> segments_pb2.SegmentPredicate:
    """The predicate of a stored segment."""
    return json_format.ParseDict(json.loads(stored), segments_pb2.SegmentPredicate())


def stored_predicate(predicate: segments_pb2.SegmentPredicate) -> str:
    """The predicate as it is stored."""
    return json_format.MessageToJson(predicate, indent=None)
