"""Use cases: create a campaign, change a campaign."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from libs.common.bus import outbox
from libs.common.catalog.venues import Venues
from libs.common.context import Caller
from libs.common.errors import AnalyticsError
from libs.common.money import Money
from libs.common.postgres.database import Connection, Database
from libs.common.rpc.claims import Claim
from libs.common.rpc.idempotency import claim_many, store_answers
from services.customers.auditing import Subject, actor_of, audit_event
from services.customers.campaigns.campaign import Campaign
from services.customers.campaigns.following import Following
from services.customers.campaigns.store import read_campaign, save_campaign
from services.customers.errors import CampaignNotFound, EtagMismatch


@dataclass(frozen=True, slots=True)
class Plan:
    """What a new campaign is to be; empty or None: not stated."""

    venue_id: UUID
    name: str
    channel: str
    type: str
    budget: Money | None
    starts_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Replacement:
    """Fields that replace a campaign's, in the state that the etag names."""

    campaign_id: UUID
    etag: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """A state, and the one it replaces."""

    before: Campaign | None
    after: Campaign


Answer = Callable[[Campaign], bytes]
"""Makes the answer to a command, which its idempotency key gives back."""


class CampaignCommands:
    """Commands on campaigns: row, audit event and answer in one transaction, the document after its commit.

    So a document never tells what was not committed. A command that was accepted while MongoDB is away stays
    accepted; its document follows.

    Args:
        database: The app role's database.
        venues: The service's.
        following: Writes documents.
        audit_key: Makes callers' pseudonyms for the audit.
    """

    def __init__(self, database: Database, venues: Venues, following: Following, audit_key: bytes) -> None:
        self._audit_key = audit_key
        self._database = database
        self._venues = venues
        self._following = following

    async def create(self, caller: Caller, claim: Claim | None, plan: Plan, answer: Answer) -> bytes:
        """The answer about the new campaign, a draft.

        Raises:
            VenueNotFound: The scope has no such venue.
            AnalyticsError: The idempotency key is in use.
        """
        await self._venues.require(caller.scope, [plan.venue_id])
        now = datetime.now(UTC)
        campaign = Campaign(
            campaign_id=uuid4(),
            venue_id=plan.venue_id,
            name=plan.name,
            channel=plan.channel,
            type=plan.type,
            status="draft",
            budget=plan.budget,
            spend=None,
            starts_at=plan.starts_at,
            ends_at=plan.ends_at,
            created_at=now,
            updated_at=now,
            version=1,
        ).checked()

        async def made(_conn: Connection) -> Change:
            return Change(None, campaign)

        return await self._carry_out(caller, claim, "CreateCampaign", made, answer)

    async def update(self, caller: Caller, claim: Claim | None, wanted: Replacement, answer: Answer) -> bytes:
        """The answer about the campaign with these fields replaced.

        Raises:
            CampaignNotFound: The scope has no such campaign.
            EtagMismatch: The campaign is no longer in the state that the etag names.
            StatusNotAllowed: The status may not follow the present one.
            InvalidField: The fields together make no campaign.
            AnalyticsError: The idempotency key is in use.
        """

        async def changed(conn: Connection) -> Change:
            before = await read_campaign(conn, caller.tenant_id, wanted.campaign_id, locked=True)
            if before is None:
                raise CampaignNotFound("no such campaign", campaign_id=wanted.campaign_id)
            if wanted.etag != before.etag:
                raise EtagMismatch("the campaign changed since it was read", campaign_id=before.campaign_id)
            return Change(before, before.changed(wanted.fields, at=datetime.now(UTC)))

        return await self._carry_out(caller, claim, "UpdateCampaign", changed, answer)

    async def _carry_out(
        self,
        caller: Caller,
        claim: Claim | None,
        method: str,
        make: Callable[[Connection], Awaitable[Change]],
        answer: Answer,
    ) -> bytes:
        async with self._database.transaction(caller.scope) as conn:
            if claim is not None:
                outcome = (await claim_many(conn, [claim]))[claim]
                if isinstance(outcome, AnalyticsError):
                    raise outcome
                if outcome is not None:
                    return outcome
            change = await make(conn)
            after = change.after
            await save_campaign(conn, caller.tenant_id, after)
            actor = actor_of(self._audit_key, caller.tenant_id, caller.subject)
            subject = Subject(
                "campaign",
                str(after.campaign_id),
                after.venue_id,
                before_hash="" if change.before is None else change.before.state_hash,
                after_hash=after.state_hash,
            )
            action = f"CampaignsService/{method}"
            event = audit_event(caller.tenant_id, actor, action, subject, at=after.updated_at)
            await outbox.append(conn, [event])
            await self._following.promise(conn, caller.scope, after)
            reply = answer(after)
            if claim is not None:
                await store_answers(conn, [(claim, reply)])
        await self._following.follow_now(after)
        return reply
