"""SQL of the model registry."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.customers.models.entry import ModelEntry, TrainedModel

_KEPT: Final = timedelta(days=400)

# Grain: candidate of one training. Index: models_pkey.
_INSERT = """
insert into models (tenant_id, venue_id, kind, trained_at, currency, name, fitted_on, is_serving, refusal,
                    refusal_message, parameters, covariance, log_likelihood, customer_count, repeater_count,
                    first_day, last_day, held_out_days, hold_out, usual)
select $1, venue_id, kind, $2, currency, name, fitted_on, is_serving, refusal,
       refusal_message, parameters, covariance, log_likelihood, customer_count, repeater_count,
       first_day, last_day, held_out_days, hold_out, usual
  from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[], $9::text[],
              $10::text[], $11::jsonb[], $12::jsonb[], $13::double precision[], $14::integer[],
              $15::integer[], $16::date[], $17::date[], $18::integer[], $19::jsonb[], $20::jsonb[])
       as new (venue_id, kind, currency, name, fitted_on, is_serving, refusal, refusal_message, parameters,
               covariance, log_likelihood, customer_count, repeater_count, first_day, last_day,
               held_out_days, hold_out, usual)
 order by venue_id, kind, currency, name
"""

# Grain: candidates of trainings before a time, or at one that is made again. Index: models_pkey finds the
# tenant's rows, which are few.
_FORGET = """
delete from models
 where tenant_id = $1 and kind = any($2::text[]) and (trained_at < $3 or trained_at = $4)
"""

# Grain: candidate of the newest training of some kinds, by venue. Index: models_pkey, once for the newest of
# each venue and kind and once for its rows.
_NEWEST = """
select m.venue_id, m.kind, m.trained_at, m.currency, m.name, m.fitted_on, m.is_serving, m.refusal,
       m.refusal_message, m.parameters, m.covariance, m.log_likelihood, m.customer_count, m.repeater_count,
       m.first_day, m.last_day, m.held_out_days, m.hold_out, m.usual
  from unnest($2::uuid[]) as wanted (venue_id)
 cross join unnest($3::text[]) as kinds (kind)
 cross join lateral (select max(trained_at) as trained_at
                       from models
                      where tenant_id = $1 and venue_id = wanted.venue_id and kind = kinds.kind) as newest
  join models m
    on m.tenant_id = $1 and m.venue_id = wanted.venue_id and m.kind = kinds.kind
   and m.trained_at = newest.trained_at
 order by m.venue_id, m.kind, m.currency, m.is_serving desc, m.name
"""


class ModelStore:
    """The registry of one tenant inside one transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID) -> None:
        self._driver = conn
        self._tenant_id = tenant_id

    async def put(self, entries: Sequence[ModelEntry], trained_at: datetime) -> None:
        """Add the candidates of a training; one at the very same time is replaced, old ones are dropped."""
        kinds = sorted({entry.kind for entry in entries})
        await self._driver.execute(_FORGET, self._tenant_id, kinds, trained_at - _KEPT, trained_at)
        await self._driver.execute(_INSERT, self._tenant_id, trained_at, *columns(map(_row, entries), 18))

    async def newest(self, venue_ids: Collection[UUID], kinds: Sequence[str]) -> list[TrainedModel]:
        """Candidates of the newest training of each venue and kind, the serving ones first."""
        rows = await self._driver.fetch(_NEWEST, self._tenant_id, sorted(set(venue_ids)), list(kinds))
        return [TrainedModel(_entry(row), row["trained_at"]) for row in rows]


def _row(entry: ModelEntry) -> tuple[object, ...]:
    return (
        entry.venue_id,
        entry.kind,
        entry.currency,
        entry.name,
        entry.fitted_on,
        entry.is_serving,
        entry.refusal,
        entry.refusal_message,
        _text(entry.parameters),
        _text(entry.covariance),
        entry.log_likelihood,
        entry.customer_count,
        entry.repeater_count,
        entry.first_day,
        entry.last_day,
        entry.held_out_days,
        _text(entry.hold_out),
        _text(entry.usual),
    )


def _entry(row: Mapping[str, Any]) -> ModelEntry:
    return ModelEntry(
        venue_id=row["venue_id"],
        kind=row["kind"],
        name=row["name"],
        fitted_on=row["fitted_on"],
        is_serving=row["is_serving"],
        customer_count=row["customer_count"],
        repeater_count=row["repeater_count"],
        first_day=row["first_day"],
        last_day=row["last_day"],
        held_out_days=row["held_out_days"],
        currency=row["currency"],
        refusal=row["refusal"],
        refusal_message=row["refusal_message"],
        parameters=_value(row["parameters"]),
        covariance=_value(row["covariance"]),
        log_likelihood=row["log_likelihood"],
        hold_out=_value(row["hold_out"]) or {},
        usual=_value(row["usual"]) or {},
    )


def _text(value: object) -> str | None:
    return None if value is None else json.dumps(value)


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text)
