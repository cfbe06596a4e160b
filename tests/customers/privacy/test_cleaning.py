"""No table that names people is forgotten, figures change hands, and cleaning again finds nothing."""

from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest

from libs.common.context import TenantScope
from services.customers.privacy.access_store import SECTIONS, Asked, rows_of
from services.customers.privacy.cleaning_store import CLEANING, clean_tables
from services.customers.privacy.working import VIEWS

# What `customer_id` says in a table that nothing is cleaned in, or given out of.
_NOT_HELD = {"rfm_pending": "whose scores must follow, for seconds"}


async def tables_that_name_people(as_admin):
    rows = await as_admin.fetch("""
        select distinct c.relname
          from pg_class c join pg_attribute a on a.attrelid = c.oid and not a.attisdropped
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
           and a.attname ~ 'customer_id'
    """)
    return {row["relname"] for row in rows}


async def test_every_table_that_names_people_is_cleaned(as_admin):
    cleaned = {table for table, _ in CLEANING}

    assert await tables_that_name_people(as_admin) - cleaned == set()


async def test_every_table_that_names_people_is_given_out(as_admin):
    assert await tables_that_name_people(as_admin) - SECTIONS.keys() - _NOT_HELD.keys() == set()


async def test_every_materialized_view_that_names_people_is_refreshed(as_admin):
    rows = await as_admin.fetch("""
        select distinct c.relname
          from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname ~ 'customer_id'
         where c.relkind = 'm'
    """)

    assert {row["relname"] for row in rows} == set(VIEWS)


async def test_cleaning_somebody_unknown_touches_nothing(database):
    tenant = uuid4()

    async with database.transaction(TenantScope(tenant)) as conn:
        touched = await clean_tables(conn, tenant, uuid4(), uuid4())

    assert set(touched.values()) == {0}


FILLED = {
    "uuid": uuid4,
    "text": lambda: "x",
    "timestamp with time zone": lambda: datetime(2026, 3, 1, tzinfo=UTC),
    "date": lambda: date(2026, 3, 1),
    "boolean": lambda: True,
    "jsonb": lambda: "{}",
}
KNOWN = {"basis": "historic", "from_segment": "new", "to_segment": "loyal", "kind": "name", "state": "open"}
GONE = {"customer_words", "customer_segment_members"}
"""Tables whose rows say who somebody is: nothing takes their place."""


async def insert(as_admin, table, **values):
    """A row with something in every column that must have something."""
    columns = await as_admin.fetch(
        "select column_name, data_type from information_schema.columns where table_schema = 'public'"
        " and table_name = $1 and (is_nullable = 'NO' or column_name = any($2::text[]))"
        " and column_default is null and is_generated = 'NEVER' and is_identity = 'NO'",
        table,
        [*values, *KNOWN],
    )
    row = {
        name: values.get(name, KNOWN.get(name, FILLED.get(kind, lambda: 1)()))
        for name, kind in ((column["column_name"], column["data_type"]) for column in columns)
    }
    names, places = ", ".join(row), ", ".join(f"${at}" for at in range(1, len(row) + 1))
    await as_admin.execute(f"insert into {table} ({names}) values ({places})", *row.values())


async def known_everywhere(as_admin, tenant, venue, people):
    """Rows about these people in every table that names people."""
    for table in sorted(await tables_that_name_people(as_admin)):
        for person in people:
            if table == "transfers":
                await insert(as_admin, table, tenant_id=tenant, venue_id=venue, from_customer_id=person)
                await insert(as_admin, table, tenant_id=tenant, venue_id=venue, to_customer_id=person)
            else:
                await insert(as_admin, table, tenant_id=tenant, venue_id=venue, customer_id=person)
    now = datetime.now(UTC)
    for subject in people:
        finding = {"tenant_id": tenant, "insight_id": uuid4(), "venue_id": venue}
        told = f'{{"to": "{str(subject).upper()}"}}'
        await insert(as_admin, "insights", **finding, subject=str(subject))
        await insert(as_admin, "insight_actions", **finding, taken_at=now, parameters=told)


async def counted(as_admin, tenant, person):
    """Rows that name a person, by table."""
    counts = {}
    for table in await tables_that_name_people(as_admin):
        query = f"select count(*) from {table} t where tenant_id = $1 and strpos(t::text, $2) > 0"
        counts[table] = await as_admin.fetchval(query, tenant, str(person))
    return counts


async def cleaned(database, tenant, person, pseudonym):
    async with database.transaction(TenantScope(tenant)) as conn:
        return await clean_tables(conn, tenant, person, pseudonym)


async def test_facts_and_figures_change_hands_and_words_go(database, as_admin):
    tenant, venue, person, pseudonym, other = (uuid4() for _ in range(5))
    await known_everywhere(as_admin, tenant, venue, [person, other])
    before = await counted(as_admin, tenant, person)

    touched = await cleaned(database, tenant, person, pseudonym)

    assert all(before.values())
    assert set((await counted(as_admin, tenant, person)).values()) == {0}
    after = await counted(as_admin, tenant, pseudonym)
    assert after == {table: 0 if table in GONE else count for table, count in before.items()}
    assert await counted(as_admin, tenant, other) == before
    assert {table: touched[table] for table in before} == before
    assert (touched["insights"], touched["insight_actions"]) == (1, 1)


async def test_what_late_facts_made_of_the_pseudonym_is_joined(database, as_admin):
    tenant, venue, person, pseudonym = (uuid4() for _ in range(4))
    await known_everywhere(as_admin, tenant, venue, [person, pseudonym])

    await cleaned(database, tenant, person, pseudonym)

    assert set((await counted(as_admin, tenant, person)).values()) == {0}
    assert (await counted(as_admin, tenant, pseudonym))["customers"] == 1
    assert (await counted(as_admin, tenant, pseudonym))["purchases"] == 2


async def test_who_goes_because_the_pseudonym_is_scored_already_leaves_the_sums(database, as_admin):
    tenant, venue, person, pseudonym = (uuid4() for _ in range(4))
    row = {"tenant_id": tenant, "venue_id": venue, "segment": "loyal", "currency": "EUR"}
    score = {**row, "order_count": 3, "spend_minor": 900, "last_purchase_day": date(2026, 3, 1)}
    await insert(as_admin, "customer_rfm_scores", **score, customer_id=person, other_spend='{"USD": 40}')
    await insert(as_admin, "customer_rfm_scores", **score, customer_id=pseudonym)
    day = (date(2026, 3, 1) - date(2000, 1, 1)).days
    sums = {"customer_count": 2, "order_count": 6, "spend_minor": 1_800, "last_day_sum": 2 * day}
    await insert(as_admin, "segment_totals", **row | sums)
    dollars = {"customer_count": 0, "order_count": 0, "spend_minor": 40, "last_day_sum": 0}
    await insert(as_admin, "segment_totals", **row | {"currency": "USD"} | dollars)

    touched = await cleaned(database, tenant, person, pseudonym)

    kept = await as_admin.fetch(
        "select currency, customer_count, order_count, spend_minor, last_day_sum"
        " from segment_totals where tenant_id = $1 order by currency",
        tenant,
    )
    assert touched["customer_rfm_scores"] == 1
    assert [tuple(one) for one in kept] == [("EUR", 1, 3, 900, day), ("USD", 0, 0, 0, 0)]


async def test_cleaning_again_touches_nothing_and_other_tenants_keep_theirs(database, as_admin):
    tenant, neighbour, venue, person, pseudonym = (uuid4() for _ in range(5))
    await known_everywhere(as_admin, tenant, venue, [person])
    await known_everywhere(as_admin, neighbour, uuid4(), [person])
    theirs = await counted(as_admin, neighbour, person)
    await cleaned(database, tenant, person, pseudonym)

    again = await cleaned(database, tenant, person, pseudonym)

    assert set(again.values()) == {0}
    assert await counted(as_admin, neighbour, person) == theirs


@pytest.mark.parametrize("section", SECTIONS)
async def test_each_section_is_given_out_row_by_row(database, as_admin, section):
    tenant, venue, person, other = (uuid4() for _ in range(4))
    await known_everywhere(as_admin, tenant, venue, [person, other])
    if section == "refunds":
        order = await as_admin.fetchval(
            "select order_id from orders where tenant_id = $1 and customer_id = $2", tenant, person
        )
        await insert(as_admin, "refunds", tenant_id=tenant, venue_id=venue, order_id=order)

    async with database.transaction(TenantScope(tenant)) as conn:
        first = await rows_of(conn, section, Asked(TenantScope(tenant), person, "", 1))
        rest = await rows_of(conn, section, Asked(TenantScope(tenant), person, first[0][0], 10))
        hidden = await rows_of(conn, section, Asked(TenantScope(tenant), UUID(int=1), "", 10))

    assert len(first) == 1
    assert len(rest) == (1 if section == "transfers" else 0)
    assert hidden == []
    assert str(other) not in str([*first, *rest])
