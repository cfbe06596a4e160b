"""What a campaign is, and how its state may change."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import blake2b, sha256
from typing import Any, Final
from uuid import UUID

from libs.common.errors import InvalidField
from libs.common.money import Money
from services.customers.errors import StatusNotAllowed

_FOLLOWING: Final[Mapping[str, frozenset[str]]] = {
    "draft": frozenset({"active", "completed"}),
    "active": frozenset({"paused", "completed"}),
    "paused": frozenset({"active", "completed"}),
    "completed": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Campaign:
    """One state of a campaign; `version` counts the commands that led to it. Empty or None: not stated."""

    campaign_id: UUID
    venue_id: UUID
    name: str
    channel: str
    type: str
    status: str
    budget: Money | None
    spend: Money | None
    starts_at: datetime | None
    ends_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int

    @property
    def etag(self) -> str:
        """Names this state: another state of this campaign, or another campaign, has another one."""
        return blake2b(f"{self.campaign_id}/{self.version}".encode(), digest_size=12).hexdigest()

    @property
    def state_hash(self) -> str:
        """SHA-256 of all fields, for the audit."""
        return sha256(json.dumps(asdict(self), sort_keys=True, default=str).encode()).hexdigest()

    def changed(self, fields: Mapping[str, Any], *, at: datetime) -> "Campaign":
        """The next state, with these fields replaced.

        Raises:
            StatusNotAllowed: The new status may not follow the present one.
            InvalidField: The fields together make no campaign.
        """
        status = fields.get("status", self.status)
        if status != self.status and status not in _FOLLOWING[self.status]:
            raise StatusNotAllowed(
                f"a campaign that is {self.status} does not become {status}",
                status=self.status,
                allowed=",".join(sorted(_FOLLOWING[self.status])),
            )
        return replace(self, **fields, updated_at=at, version=self.version + 1).checked()

    def checked(self) -> "Campaign":
        """This state, when its fields go together.

        Raises:
            InvalidField: They do not.
        """
        if self.starts_at is not None and self.ends_at is not None and self.ends_at <= self.starts_at:
            raise InvalidField.of("endDate", "must be after startDate")
        if self.budget is not None and self.spend is not None and self.budget.currency != self.spend.currency:
            raise InvalidField.of("spend.currency", "must be that of the budget")
        return self
