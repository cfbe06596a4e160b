"""Scores, segments and sums recounted naively from plain rows of purchases, and what the service stored."""

import json
from collections import defaultdict
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil
from uuid import UUID
from zoneinfo import ZoneInfo

WHOLE = UUID(int=0)
MAP = {
    5: "new potential_loyalist potential_loyalist champions champions",
    4: "promising potential_loyalist potential_loyalist loyal loyal",
    3: "about_to_sleep about_to_sleep needs_attention loyal loyal",
    2: "hibernating hibernating at_risk at_risk cant_lose",
    1: "lost hibernating at_risk at_risk cant_lose",
}


def percentile_score(values, value):
    below, equal = sum(each < value for each in values), values.count(value)
    return ceil(5 * (below + Fraction(equal + 1, 2)) / len(values))


def fixed(value, bounds):
    return 1 + sum(value >= bound for bound in bounds)


def people_at(rows, zones, as_of, window_days=365):
    """Figures of everyone with a purchase that stands.

    Rows are (venue, person, sold_at, currency, order count, spend).
    """
    own = defaultdict(list)
    for venue, person, sold_at, currency, count, spend in rows:
        if sold_at <= as_of:
            day = sold_at.astimezone(ZoneInfo(zones[venue])).date()
            today = as_of.astimezone(ZoneInfo(zones[venue])).date()
            inside = window_days is None or day > today - timedelta(days=window_days)
            own[person].append((day, inside, currency, count, spend))
    found = {}
    for person, sales in own.items():
        if not any(count for _, _, _, count, _ in sales):
            continue
        ever = {code: [0, 0] for _, _, code, _, _ in sales}
        spends = dict.fromkeys(ever, 0)
        for _, inside, code, count, spend in sales:
            ever[code][0] += count
            ever[code][1] += spend
            spends[code] += spend if inside else 0
        main = min(ever, key=lambda code: (-ever[code][0], -ever[code][1], code))
        found[person] = {
            "day": max(day for day, _, _, count, _ in sales if count),
            "orders": sum(count for _, inside, _, count, _ in sales if inside),
            "currency": main,
            "spend": spends.pop(main),
            "others": {code: spend for code, spend in spends.items() if spend},
        }
    return found


def scored(people, today):
    """Scores and segment of each of `people_at`, as (recency, frequency, monetary, segment)."""
    columns = {name: [one[name] for one in people.values()] for name in ("day", "orders", "spend")}
    found = {}
    for person, one in people.items():
        if len(people) < 5:
            age = (today - one["day"]).days
            scores = (
                5 - sum(age > bound for bound in (30, 90, 180, 365)),
                fixed(one["orders"], (2, 3, 5, 9)),
                fixed(one["spend"], (5_000, 10_000, 25_000, 50_000)),
            )
        else:
            scores = tuple(percentile_score(columns[name], one[name]) for name in columns)
        joint = (scores[1] + scores[2] + 1) // 2
        found[person] = (*scores, MAP[scores[0]].split()[joint - 1])
    return found


def totals_of(people, scores):
    """Customers by segment, and spend by segment and currency."""
    counts, spends = defaultdict(int), defaultdict(int)
    for person, one in people.items():
        segment = scores[person][3]
        counts[segment] += 1
        for code, spend in {**one["others"], one["currency"]: one["spend"]}.items():
            spends[segment, code] += spend
    return dict(counts), {key: spend for key, spend in spends.items() if spend}


async def stored_people(as_admin, tenant, venue=WHOLE):
    rows = await as_admin.fetch(
        "select * from customer_rfm_scores where tenant_id = $1 and venue_id = $2", tenant, venue
    )
    return {
        row["customer_id"]: {
            "day": row["last_purchase_day"],
            "orders": row["order_count"],
            "currency": row["currency"],
            "spend": row["spend_minor"],
            "others": json.loads(row["other_spend"] or "{}"),
        }
        for row in rows
    }


async def stored_scores(as_admin, tenant, venue=WHOLE):
    rows = await as_admin.fetch(
        "select * from customer_rfm_scores where tenant_id = $1 and venue_id = $2", tenant, venue
    )
    return {
        row["customer_id"]: (
            row["recency_score"],
            row["frequency_score"],
            row["monetary_score"],
            row["segment"],
        )
        for row in rows
    }


async def stored_totals(as_admin, tenant, venue=WHOLE):
    rows = await as_admin.fetch(
        "select * from segment_totals where tenant_id = $1 and venue_id = $2", tenant, venue
    )
    counts, spends = defaultdict(int), {}
    for row in rows:
        counts[row["segment"]] += row["customer_count"]
        spends[row["segment"], row["currency"]] = row["spend_minor"]
    return {key: count for key, count in counts.items() if count}, {
        key: spend for key, spend in spends.items() if spend
    }


def rows_of(purchases):
    """Plain rows of `histories.purchases`."""
    return [
        (
            UUID(row["venue_id"]),
            UUID(row["customer_id"]),
            row["sold_at"],
            currency,
            row["order_count"],
            row["spend_minor"],
        )
        for (_, currency), row in purchases.items()
    ]


def today_at(zones, as_of: datetime):
    return max(as_of.astimezone(ZoneInfo(zone)).date() for zone in zones.values())
