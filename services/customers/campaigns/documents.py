"""The MongoDB collection `campaigns`: a document a campaign of the current caller's tenant."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from pymongo import ASCENDING, DESCENDING, IndexModel

from libs.common.buckets import microseconds
from libs.common.money import Money
from libs.common.mongo import Document, Mongo
from services.customers.campaigns.campaign import Campaign

COLLECTION: Final = "campaigns"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_INDEXES: Final = (
    IndexModel([("tenant_id", ASCENDING), ("id", ASCENDING)], name="campaign"),
    IndexModel(
        [("tenant_id", ASCENDING), ("venue_id", ASCENDING), ("created_us", DESCENDING), ("id", ASCENDING)],
        name="venue",
    ),
)


class Place(NamedTuple):
    """A place in a venue's list: the newest first, of one instant by id."""

    created_at: datetime
    campaign_id: UUID


class CampaignDocuments:
    """Campaigns by their id.

    Args:
        mongo: Database of the service.
    """

    def __init__(self, mongo: Mongo) -> None:
        self._collection = mongo.collection(COLLECTION)
        self._is_ready = False

    async def write(self, campaign: Campaign) -> None:
        """Bring the document to this state unless it is there or beyond; may be repeated, in any order.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        if not self._is_ready:
            await self._collection.ensure(_INDEXES)
            self._is_ready = True
        document = _document(campaign)
        older = {"id": document["id"], "version": {"$lt": campaign.version}}
        if not await self._collection.update(older, {"$set": document}):
            await self._collection.keep([document])

    async def get(self, campaign_id: UUID) -> Campaign | None:
        """The campaign of this id.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        document = await self._collection.get(str(campaign_id))
        return None if document is None else _campaign(document)

    async def of_venue(
        self, venue_id: UUID, *, status: str, kind: str, after: Place | None, limit: int
    ) -> Sequence[Campaign]:
        """At most `limit` campaigns of a venue after a place, by index `venue`; empty filters: all.

        Raises:
            DependencyUnavailable: MongoDB is not reachable.
        """
        query: Document = {"venue_id": str(venue_id)}
        query |= {"status": status} if status else {}
        query |= {"type": kind} if kind else {}
        if after is not None:
            created = microseconds(after.created_at)
            query["$or"] = [
                {"created_us": {"$lt": created}},
                {"created_us": created, "id": {"$gt": str(after.campaign_id)}},
            ]
        order = [("created_us", DESCENDING), ("id", ASCENDING)]
        return [_campaign(each) for each in await self._collection.find(query, sort=order, limit=limit)]


def _document(campaign: Campaign) -> Document:
    return {
        "id": str(campaign.campaign_id),
        "venue_id": str(campaign.venue_id),
        "name": campaign.name,
        "channel": campaign.channel,
        "type": campaign.type,
        "status": campaign.status,
        "budget": _stored_money(campaign.budget),
        "spend": _stored_money(campaign.spend),
        "starts_us": _stored_time(campaign.starts_at),
        "ends_us": _stored_time(campaign.ends_at),
        "created_us": microseconds(campaign.created_at),
        "updated_us": microseconds(campaign.updated_at),
        "version": campaign.version,
    }


def _campaign(document: Document) -> Campaign:
    return Campaign(
        campaign_id=UUID(document["id"]),
        venue_id=UUID(document["venue_id"]),
        name=document["name"],
        channel=document["channel"],
        type=document["type"],
        status=document["status"],
        budget=_money(document["budget"]),
        spend=_money(document["spend"]),
        starts_at=_time(document["starts_us"]),
        ends_at=_time(document["ends_us"]),
        created_at=_EPOCH + timedelta(microseconds=document["created_us"]),
        updated_at=_EPOCH + timedelta(microseconds=document["updated_us"]),
        version=document["version"],
    )


def _stored_money(money: Money | None) -> Document | None:
    return None if money is None else {"amount_minor": money.amount_minor, "currency": money.currency}


def _money(stored: Document | None) -> Money | None:
    return None if stored is None else Money(stored["amount_minor"], stored["currency"])


def _stored_time(at: datetime | None) -> int | None:
    """Exact microseconds: BSON dates end at milliseconds."""
    return None if at is None else microseconds(at)


def _time(stored: int | None) -> datetime | None:
    return None if stored is None else _EPOCH + timedelta(microseconds=stored)
