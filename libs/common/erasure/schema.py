"""The table of tombstones; a service that keeps people makes it in a migration."""

from libs.common.postgres.rls import tenant_table

# Grain: one erased person of a tenant. `digest` is a keyed hash of their id, which tells a holder of the key
# that an id was erased, and nobody else anything; `pseudonym` stands wherever counts still need somebody.
TOMBSTONES_DDL: tuple[str, ...] = (
    """
    create table erased_customers (
        tenant_id uuid not null,
        digest bytea not null,
        pseudonym uuid not null,
        erased_at timestamptz not null default now(),
        primary key (tenant_id, digest)
    )
    """,
    *tenant_table("erased_customers", app="select, insert"),
)
