"""What may be asked of attribution, and the time that a question about a campaign is about."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from libs.common.buckets import microseconds
from services.customers.attribution.paths import DAY
from services.customers.campaigns.campaign import Campaign

DEFAULT_MODEL: Final = "last_touch"
DEFAULT_WINDOW_DAYS: Final = 30
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Division:
    """How credit is divided: by which model, over how many days before a purchase."""

    model: str
    window_days: int

    @property
    def window(self) -> int:
        """Microseconds."""
        return self.window_days * DAY


@dataclass(frozen=True, slots=True)
class CampaignQuestion:
    """Which campaign, and how its credit is divided."""

    campaign_id: UUID
    division: Division


def period_of(campaign: Campaign, span: tuple[int, int] | None, window: int) -> range | None:
    """Every instant at which a purchase may be due to the campaign; None when nobody met it.

    From the planned start or the first touchpoint, whichever is earlier, until the planned end or the last
    touchpoint, whichever is later, and an attribution window after that. So touchpoints outside of the plan
    count too, and the plan's quiet days show who was not reached.

    Args:
        campaign: The campaign as planned.
        span: Times of its first and last touchpoint in microseconds; None without any.
        window: Attribution window in microseconds.
    """
    if span is None:
        return None
    first, last = span
    if campaign.starts_at is not None:
        first = min(first, microseconds(campaign.starts_at))
    if campaign.ends_at is not None:
        last = max(last, microseconds(campaign.ends_at) - 1)
    return range(first, last + window)


def moment(at_us: int) -> datetime:
    """The instant of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=at_us)
