"""Use case: take over that a customer met a channel."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

from google.protobuf.json_format import Error as JsonFormatError
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from tickettoken.events.v1 import behavior_pb2
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus import outbox
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.errors import InvalidField
from libs.common.postgres.database import Database
from services.customers.campaigns.reader import CampaignReader

MAX_METADATA_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Tracked:
    """What a caller saw: who met which channel, and how."""

    venue_id: UUID
    customer_id: UUID
    channel: str
    kind: str
    value: float | None
    campaign_id: UUID | None
    metadata: Struct | None


class Tracking:
    """Takes touchpoints over as events of the platform, in the outbox: MongoDB need not be there."""

    def __init__(self, database: Database, venues: Venues, campaigns: CampaignReader) -> None:
        self._database = database
        self._venues = venues
        self._campaigns = campaigns

    async def track(self, scope: TenantScope, tracked: Tracked) -> tuple[str, datetime]:
        """The touchpoint's id and time; its event leaves with the transaction.

        Raises:
            VenueNotFound: The scope has no such venue.
            CampaignNotFound: The venue has no such campaign.
            InvalidField: The metadata is too large, or no JSON.
        """
        await self._venues.require(scope, [tracked.venue_id])
        if tracked.campaign_id is not None:
            await self._campaigns.require_command(scope, tracked.venue_id, tracked.campaign_id)
        if tracked.metadata is not None:
            _require_bounded(tracked.metadata)
        at = datetime.now(UTC)
        event = _event(scope.tenant_id, tracked, at)
        async with self._database.transaction(scope) as conn:
            await outbox.append(conn, [event])
        return event.entity_id, at


def _event(tenant_id: UUID, tracked: Tracked, at: datetime) -> Event:
    event = Event(
        event_id=str(uuid4()),
        type="campaign.touchpoint",
        tenant_id=str(tenant_id),
        venue_id=str(tracked.venue_id),
        entity_id=str(uuid4()),
        producer="customers",
        campaign_touchpoint=behavior_pb2.CampaignTouchpoint(
            campaign_id="" if tracked.campaign_id is None else str(tracked.campaign_id),
            channel=tracked.channel,
            kind=tracked.kind,
            customer_id=str(tracked.customer_id),
            value=tracked.value,
            metadata=tracked.metadata,
        ),
    )
    event.occurred_at.FromDatetime(at)
    return event


def _require_bounded(metadata: Struct) -> None:
    too_large = InvalidField.of("metadata", f"at most {MAX_METADATA_BYTES} bytes of JSON")
    if metadata.ByteSize() > 2 * MAX_METADATA_BYTES:
        raise too_large
    try:
        text = json.dumps(MessageToDict(metadata), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(text.encode())
    except (JsonFormatError, ValueError, RecursionError):
        raise InvalidField.of("metadata", "must be valid JSON: no NaN, no infinity") from None
    if size > MAX_METADATA_BYTES:
        raise too_large
