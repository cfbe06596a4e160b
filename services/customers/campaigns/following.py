"""Documents follow command rows: at once where MongoDB answers, otherwise by a job queued with the row."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from libs.common.context import TenantScope
from libs.common.errors import DependencyUnavailable
from libs.common.jobs.queue import Grant, Run, enqueue
from libs.common.jobs.runner import Job
from libs.common.postgres.database import Connection, Database
from services.customers.campaigns.campaign import Campaign
from services.customers.campaigns.documents import CampaignDocuments
from services.customers.campaigns.store import read_campaign

DOCUMENT_JOB: Final = "campaigns.document"
_ATTEMPTS: Final = 10_000  # a quarter of an hour apart: an outage is waited out, not given up on
_LONGEST_ATTEMPT: Final = timedelta(minutes=1)
_log = structlog.get_logger(__name__)


class Following:
    """Brings the documents of campaigns to what their command rows say."""

    def __init__(self, database: Database, documents: CampaignDocuments) -> None:
        self._database = database
        self._documents = documents

    async def promise(self, conn: Connection, scope: TenantScope, campaign: Campaign) -> None:
        """Queue the job in the command's own transaction, so that no crash or outage loses the document."""
        await enqueue(
            conn,
            DOCUMENT_JOB,
            run_key=f"{campaign.campaign_id}/{campaign.version}",
            grant=Grant("service:customers", TenantScope(scope.tenant_id)),
            due_at=_soon_after(campaign.updated_at),
            arguments={"campaign_id": str(campaign.campaign_id)},
        )

    async def follow_now(self, campaign: Campaign) -> None:
        """Write the document of a committed state; while MongoDB is away that is left to the job."""
        try:
            await self._documents.write(campaign)
        except DependencyUnavailable:
            _log.warning("a campaign's document waits for MongoDB", campaign_id=str(campaign.campaign_id))

    async def follow(self, scope: TenantScope, campaign_id: UUID) -> None:
        """Write the document of the present state.

        Raises:
            DependencyUnavailable: A store is not reachable.
        """
        async with self._database.transaction(scope) as conn:
            campaign = await read_campaign(conn, scope.tenant_id, campaign_id)
        if campaign is not None:
            await self._documents.write(campaign)

    def jobs(self) -> tuple[Job, ...]:
        """The job's body for a worker."""

        async def follow(run: Run) -> None:
            await self.follow(run.grant.scope, UUID(run.arguments["campaign_id"]))

        return (Job(DOCUMENT_JOB, follow, timeout=_LONGEST_ATTEMPT, max_attempts=_ATTEMPTS),)


def _soon_after(at: datetime) -> datetime:
    """Later than the command writes the document itself, so that the job usually finds it written."""
    return at + timedelta(seconds=2)
