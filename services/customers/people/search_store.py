"""SQL of the words by which people are found."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.customers.people.search_question import SearchQuestion
from services.customers.people.words import Word

# Grain: one person. Index: customers_pkey. The lock makes a concurrent batch that names the same person wait,
# so that the words are always those of the row that holds in the end; in the order of the ids, so that nobody
# waits in a ring.
_LOCK = """
select customer_id, name, email
  from customers
 where tenant_id = $1 and customer_id = any($2::uuid[])
 order by customer_id
   for update
"""

# Grain: one word of a person. Index: customer_words_by_customer.
_FORGET = """
delete from customer_words as known
 using unnest($2::uuid[]) as person (customer_id)
 where known.tenant_id = $1 and known.customer_id = person.customer_id
   and not exists (
       select 1
         from unnest($3::uuid[], $4::text[], $5::text[]) as kept (customer_id, word, kind)
        where kept.customer_id = known.customer_id and kept.word = known.word and kept.kind = known.kind)
"""

# Grain: one word of a person. Sorted by key: concurrent batches wait in one order.
_KEEP = """
insert into customer_words (tenant_id, customer_id, word, kind)
select $1, customer_id, word, kind
  from unnest($2::uuid[], $3::text[], $4::text[]) as kept (customer_id, word, kind)
 order by word, kind, customer_id
on conflict do nothing
"""

# Grain: one person of the venue. Index: customer_words_pkey, a range for each word asked, and
# customer_venues_pkey and customer_rfm_scores_pkey for each person found. A range is read up to a limit, so
# that the cost is bounded whatever is asked; `most` tells how many rows the largest one gave, in a row of its
# own too when nobody is at the venue. Ranked by how many of the asked words the person has, then by how many
# of them whole, then by who dealt with the venue last.
_FIND = """
with hit as materialized (
    select asked.at, found.customer_id, found.word = asked.word as is_whole
      from unnest($4::text[], $5::text[]) with ordinality as asked (word, until, at)
     cross join lateral (
           select customer_id, word
             from customer_words
            where tenant_id = $1 and word >= asked.word and word < asked.until and kind = any($3::text[])
            limit $6) as found
), person as (
    select customer_id, count(distinct at)::integer as word_count,
           (count(distinct at) filter (where is_whole))::integer as whole_count
      from hit
     group by customer_id
), ranked as (
    select person.customer_id, person.word_count, person.whole_count, seen.last_seen_at, score.segment
      from person
      join customer_venues as seen
        on seen.tenant_id = $1 and seen.venue_id = $2 and seen.customer_id = person.customer_id
      left join customer_rfm_scores as score
        on score.tenant_id = $1 and score.venue_id = $2 and score.customer_id = person.customer_id
     where ($7::integer is null
            or (word_count, whole_count, last_seen_at, person.customer_id)
               < ($7::integer, $8::integer, $9::timestamptz, $10::uuid))
       and ($11::text is null or score.segment = $11::text or exists (
           select 1
             from customer_segment_members as member
            where member.tenant_id = $1 and member.venue_id = $2 and member.segment = $11::text
              and member.customer_id = person.customer_id))
     order by person.word_count desc, person.whole_count desc, seen.last_seen_at desc, person.customer_id desc
     limit $12
)
select breadth.most, ranked.customer_id, ranked.word_count, ranked.whole_count, ranked.last_seen_at,
       ranked.segment
  from (select coalesce(max(row_count), 0)::integer as most
          from (select count(*) as row_count from hit group by at) as range) as breadth
  left join ranked on true
 order by ranked.word_count desc, ranked.whole_count desc, ranked.last_seen_at desc, ranked.customer_id desc
"""

# Grain: one person of the venue. Index: customer_venues_pkey, customer_rfm_scores_pkey.
_FIND_ID = """
select seen.customer_id, seen.last_seen_at, score.segment
  from customer_venues as seen
  left join customer_rfm_scores as score
    on score.tenant_id = $1 and score.venue_id = $2 and score.customer_id = seen.customer_id
 where seen.tenant_id = $1 and seen.venue_id = $2 and seen.customer_id = $3
   and ($4::text is null or score.segment = $4::text or exists (
       select 1
         from customer_segment_members as member
        where member.tenant_id = $1 and member.venue_id = $2 and member.segment = $4::text
          and member.customer_id = $3))
"""


class Place(NamedTuple):
    """Where a person stands among those found, with the columns of the order."""

    word_count: int
    whole_count: int
    last_seen_at: datetime
    customer_id: UUID


@dataclass(frozen=True, slots=True)
class Asking:
    """A question about a venue's people, for those of a segment who stand behind a place, at most `limit`."""

    venue_id: UUID
    question: SearchQuestion
    segment: str | None
    after: Place | None
    limit: int


@dataclass(frozen=True, slots=True)
class Match:
    """A person that a search found.

    `word_count` words of the text are theirs, `whole_count` of them whole; `last_seen_at` is when they dealt
    with the venue last; `segment` is empty for people who were never scored there.
    """

    customer_id: UUID
    word_count: int
    whole_count: int
    last_seen_at: datetime
    segment: str

    @property
    def place(self) -> Place:
        return Place(self.word_count, self.whole_count, self.last_seen_at, self.customer_id)


class Matches(list[Match]):
    """People in the order of their rank; `breadth` is the number of rows that the broadest word gave."""

    breadth: int = 0


async def select_people(
    conn: Connection, tenant_id: UUID, customer_ids: Sequence[UUID]
) -> dict[UUID, tuple[str, str]]:
    """Name and mail address of each of the people who are known, locked until the transaction ends."""
    rows = await conn.fetch(_LOCK, tenant_id, customer_ids)
    return {row["customer_id"]: (row["name"], row["email"]) for row in rows}


async def replace_words(conn: Connection, tenant_id: UUID, words: Mapping[UUID, AbstractSet[Word]]) -> None:
    """Make these the words of these people, whose rows are locked."""
    rows = [(person, word.word, word.kind.value) for person, found in words.items() for word in found]
    kept = columns(rows, 3)
    await conn.execute(_FORGET, tenant_id, list(words), *kept)
    await conn.execute(_KEEP, tenant_id, *kept)


async def select_matches(conn: Connection, tenant_id: UUID, asking: Asking, most_rows: int) -> Matches:
    """People of the venue who have a word that is asked for, after a position, the best first.

    Args:
        conn: A transaction of the tenant whose scope sees the venue.
        tenant_id: The tenant.
        asking: What is asked.
        most_rows: Words of one range that are read; when `breadth` is as large, people may be missing.
    """
    ranges = columns(asking.question.asked, 2)
    kinds = list(asking.question.kinds)
    place = asking.after or (None,) * 4
    where = (tenant_id, asking.venue_id, kinds, *ranges, most_rows)
    rows = await conn.fetch(_FIND, *where, *place, asking.segment, asking.limit)
    found = Matches(
        Match(
            row["customer_id"],
            row["word_count"],
            row["whole_count"],
            row["last_seen_at"],
            row["segment"] or "",
        )
        for row in rows
        if row["customer_id"] is not None
    )
    found.breadth = rows[0]["most"]
    return found


async def select_match(conn: Connection, tenant_id: UUID, asking: Asking, customer_id: UUID) -> Match | None:
    """The person of the venue with this id, if in the segment asked for."""
    row = await conn.fetchrow(_FIND_ID, tenant_id, asking.venue_id, customer_id, asking.segment)
    if row is None:
        return None
    return Match(row["customer_id"], 1, 1, row["last_seen_at"], row["segment"] or "")
