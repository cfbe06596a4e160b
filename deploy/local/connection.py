"""How a command of this package reaches a running stack."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from deploy.local.credentials import DEMO_TENANT, Credentials
from deploy.local.data_folder import DataFolder
from deploy.local.errors import NotRunning
from deploy.local.status import StackStatus


@dataclass(frozen=True, slots=True)
class StackConnection:
    """The gateway of a running stack and a token for it."""

    gateway_url: str
    token: str

    @classmethod
    def to(
        cls,
        folder: DataFolder,
        *,
        tenant_id: UUID = DEMO_TENANT,
        subject: str = "developer",
        lifetime: timedelta = timedelta(hours=12),
    ) -> "StackConnection":
        """The connection to the stack of a folder, with every permission in one tenant.

        Raises:
            NotRunning: No stack is ready there.
        """
        status = StackStatus.of(folder)
        if status.phase != "ready":
            raise NotRunning(
                f"no stack is ready in {folder.root}: start one with `python -m deploy.local up`"
            )
        token = Credentials(folder).user_token(tenant_id, subject=subject, lifetime=lifetime)
        return cls(gateway_url=status.gateway_url, token=token)
