"""Idempotency keys: the first answer to a key is kept for 24 hours, in the transaction that did the work."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from libs.common.context import TenantScope
from libs.common.errors import AnalyticsError
from libs.common.postgres import rls
from libs.common.postgres.database import Connection, Database
from libs.common.rpc.claims import Claim, claims_idempotency_itself, current_claim
from libs.common.rpc.errors import IdempotencyInFlight, IdempotencyKeyReused

__all__ = [
    "IDEMPOTENCY_DDL",
    "Claim",
    "ClaimOutcome",
    "IdempotencyStore",
    "claim_many",
    "claims_idempotency_itself",
    "current_claim",
    "store_answers",
]

_RETRY_AFTER = timedelta(seconds=1)

_TABLE = """
create table idempotency_keys (
    tenant_id uuid not null,
    scope_hash bytea not null,
    used_on timestamptz not null default date_trunc('day', now(), 'UTC'),
    used_at timestamptz not null default now(),
    method text not null,
    request_hash bytea not null,
    answer bytea not null,
    primary key (tenant_id, scope_hash, used_on)
) partition by range (used_on)
"""
# The lock is held until the transaction ends, so a second call with the key learns at once that the first is
# in flight, whatever day it began on. The lookup is a statement of its own: its snapshot is taken after the
# lock, so it sees what the last holder committed; in one statement it would not. Two days, because a key used
# before midnight is found after it.
_CLAIM_FUNCTION = """
create or replace function claim_idempotency_keys(locks bigint[], scope_hashes bytea[])
returns table (place integer, is_ours boolean, request_hash bytea, answer bytea)
language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
declare
    ours boolean[];
begin
    select array_agg(pg_try_advisory_xact_lock(wanted.lock) order by wanted.place) into ours
    from unnest(locks) with ordinality as wanted (lock, place);
    return query
        select wanted.place::integer, wanted.is_ours, known.request_hash, known.answer
        from unnest(scope_hashes, ours) with ordinality as wanted (scope_hash, is_ours, place)
        left join idempotency_keys known
            on wanted.is_ours and known.scope_hash = wanted.scope_hash
            and known.used_on >= date_trunc('day', now(), 'UTC') - interval '1 day'
            and known.used_at > now() - interval '24 hours';
end $$
"""
IDEMPOTENCY_DDL = (
    _TABLE,
    *rls.partitioned_table(
        "idempotency_keys", grain="day", since="now() - interval '1 day'", app="select, insert", worker=True
    ),
    _CLAIM_FUNCTION,
)

# Grain: one claim. The primary key of today's and yesterday's partition answers it.
_CLAIM = "select place, is_ours, request_hash, answer from claim_idempotency_keys($1, $2)"
# Grain: one answer. A row appears together with the effect it answers for, and is never changed.
_STORE = """
insert into idempotency_keys (tenant_id, scope_hash, method, request_hash, answer)
select nullif(current_setting('app.current_tenant', true), '')::uuid, stored.*
from unnest($1::bytea[], $2::text[], $3::bytea[], $4::bytea[]) as stored
"""


ClaimOutcome = bytes | AnalyticsError | None


async def claim_many(connection: Connection, claims: Sequence[Claim]) -> dict[Claim, ClaimOutcome]:
    """Claim keys in the transaction of `connection`, whose tenant is that of every claim.

    Returns:
        For each claim None when it is new (do the work, then `store_answers` in the same transaction), the
        first answer's bytes when it is a repetition, or the error to answer with: the key is in flight
        elsewhere or earlier in this batch, or it was used for another request.
    """
    outcomes: dict[Claim, ClaimOutcome] = {}
    first: dict[bytes, Claim] = {}
    for claim in claims:
        if first.setdefault(claim.scope_hash, claim) is not claim:
            outcomes[claim] = _in_flight()
    wanted = list(first.values())
    rows = await connection.fetch(
        _CLAIM, [claim.lock for claim in wanted], [claim.scope_hash for claim in wanted]
    )
    for place, is_ours, request_hash, answer in rows:
        claim = wanted[place - 1]
        if not is_ours:
            outcomes[claim] = _in_flight()
        elif request_hash is not None and request_hash != claim.request_hash:
            outcomes[claim] = IdempotencyKeyReused("the idempotency key was used for another request")
        else:
            outcomes[claim] = answer
    return outcomes


async def store_answers(connection: Connection, answers: Sequence[tuple[Claim, bytes]]) -> None:
    """Keep the answers of new claims, in the transaction that claimed them."""
    await connection.execute(
        _STORE,
        [claim.scope_hash for claim, _ in answers],
        [claim.method for claim, _ in answers],
        [claim.request_hash for claim, _ in answers],
        [answer for _, answer in answers],
    )


class IdempotencyStore:
    """Claim, work and answer in one transaction, which the work's own transactions of that database join."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, claim: Claim, scope: TenantScope, work: Callable[[], Awaitable[bytes]]) -> bytes:
        """The answer of `work`, or the one it gave when the key was first used.

        Raises:
            IdempotencyInFlight: The key's first call is not answered yet.
            IdempotencyKeyReused: The key was used for another request.
        """
        async with self._database.transaction(scope) as connection:
            outcome = (await claim_many(connection, [claim]))[claim]
            if isinstance(outcome, AnalyticsError):
                raise outcome
            if outcome is not None:
                return outcome
            answer = await work()
            await store_answers(connection, [(claim, answer)])
            return answer


def _in_flight() -> IdempotencyInFlight:
    return IdempotencyInFlight("a call with this idempotency key is in progress", retry_after=_RETRY_AFTER)
