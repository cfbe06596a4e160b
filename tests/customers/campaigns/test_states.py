"""States of a campaign follow each other as documented."""

import pytest

from services.customers.errors import StatusNotAllowed
from tests.customers.campaigns.asking import EARLY, a_state, updated
from tests.customers.marketing import created
from tests.metrics.serving import refused


@pytest.mark.parametrize(
    ("before", "after", "is_allowed"),
    [
        ("draft", "draft", True),
        ("draft", "active", True),
        ("draft", "paused", False),
        ("draft", "completed", True),
        ("active", "paused", True),
        ("active", "draft", False),
        ("paused", "active", True),
        ("paused", "completed", True),
        ("completed", "completed", True),
        ("completed", "active", False),
    ],
)
def test_states_follow_each_other_as_documented(before, after, is_allowed):
    campaign = a_state(status=before)

    if is_allowed:
        assert campaign.changed({"status": after}, at=EARLY).status == after
    else:
        with pytest.raises(StatusNotAllowed):
            campaign.changed({"status": after}, at=EARLY)


async def test_a_completed_campaign_does_not_start_again(customers_process, marketing):
    async with customers_process.client(marketing.tenant_id) as client:
        ended = await updated(client, await created(client, marketing.venue_id), status="completed")

        assert await refused(updated(client, ended, status="active")) == (
            "FAILED_PRECONDITION",
            "STATUS_NOT_ALLOWED",
        )
