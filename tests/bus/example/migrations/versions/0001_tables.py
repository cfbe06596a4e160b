"""The bus tables and what a handler writes."""

from libs.common.bus.inbox import INBOX_DDL
from libs.common.bus.outbox import OUTBOX_DDL
from libs.common.postgres.migrate import apply
from libs.common.postgres.rls import tenant_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    apply(
        OUTBOX_DDL,
        INBOX_DDL,
        "create table applied (tenant_id uuid not null, event_id uuid not null, note text)",
        tenant_table("applied"),
    )
