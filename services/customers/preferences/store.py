"""SQL of what purchases tell of taste, by the view `purchase_traits`."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from libs.common.postgres.database import Connection
from services.customers.preferences.taste import Baseline, Purchase

# Grain: one purchase of a person that stands, the latest ones. Index: purchases_by_customer, backwards;
# venues_pkey and events_pkey for each. Row-level security leaves those at granted venues.
_OF_PERSON = """
select venue_id, currency, genre, weekday, lead_time, party_size, channel, ticket_price_minor, newest_fact_at
  from purchase_traits
 where tenant_id = $1 and customer_id = $2 and ($3::uuid is null or venue_id = $3)
 order by sold_at desc, order_id desc
 limit $4
"""

# Grain: currency of a venue's latest purchases. Index: purchases_by_venue, backwards, up to a limit, so that
# the cost does not grow with the venue. Cuts are quartiles of the prices that were paid, each itself a price.
_CUTS = """
select currency, percentile_disc(array[0.25, 0.5, 0.75]) within group (order by ticket_price_minor) as cuts
  from (select currency, ticket_price_minor
          from purchase_traits
         where tenant_id = $1 and venue_id = $2 and sold_at >= $3
         order by sold_at desc
         limit $4) as latest
 where ticket_price_minor is not null
 group by currency
"""

# Grain: dimension and value of a venue's latest purchases, prices by currency. Index: as above; read once,
# and every purchase gives one row a dimension that it tells about.
_COUNTS = """
with latest as (
    select currency, genre, weekday, lead_time, party_size, channel, ticket_price_minor
      from purchase_traits
     where tenant_id = $1 and venue_id = $2 and sold_at >= $3
     order by sold_at desc
     limit $4
)
select trait.dimension, trait.value, count(*)::integer as purchase_count
  from latest
  left join unnest($5::text[], $6::bigint[], $7::bigint[], $8::bigint[])
       as cut (currency, first, second, third)
    on cut.currency = latest.currency
 cross join lateral (values
       ('genre', latest.genre), ('weekday', latest.weekday), ('lead_time', latest.lead_time),
       ('party_size', latest.party_size), ('channel', latest.channel),
       ('price_band:' || latest.currency,
        (array['lowest', 'lower', 'upper', 'highest'])[
            1 + (latest.ticket_price_minor > cut.first)::integer
            + (latest.ticket_price_minor > cut.second)::integer
            + (latest.ticket_price_minor > cut.third)::integer])) as trait (dimension, value)
 where trait.value is not null
 group by trait.dimension, trait.value
"""

_TRAITS: Final = ("genre", "weekday", "lead_time", "party_size", "channel")


@dataclass(frozen=True, slots=True)
class Bought:
    """A person's latest purchases, and the time of the newest fact about them."""

    purchases: list[Purchase]
    newest_fact_at: datetime | None


async def select_purchases(
    conn: Connection, tenant_id: UUID, customer_id: UUID, venue_id: UUID | None, limit: int
) -> Bought:
    """The latest purchases of a person, at one venue or at all that the transaction's scope sees."""
    rows = await conn.fetch(_OF_PERSON, tenant_id, customer_id, venue_id, limit)
    purchases = [
        Purchase(
            row["venue_id"],
            row["currency"],
            row["ticket_price_minor"],
            {name: row[name] for name in _TRAITS if row[name] is not None},
        )
        for row in rows
    ]
    return Bought(purchases, max((row["newest_fact_at"] for row in rows), default=None))


async def select_baseline(
    conn: Connection, tenant_id: UUID, venue_id: UUID, since: datetime, limit: int
) -> Baseline:
    """What is bought at a venue, by its latest purchases."""
    latest = (tenant_id, venue_id, since, limit)
    cuts = {row["currency"]: tuple(row["cuts"]) for row in await conn.fetch(_CUTS, *latest)}
    by_cut = [[cut[at] for cut in cuts.values()] for at in range(3)]
    counts: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for row in await conn.fetch(_COUNTS, *latest, list(cuts), *by_cut):
        counts[row["dimension"]][row["value"]] = row["purchase_count"]
    return Baseline(counts, cuts)
