"""Points of the replica in line protocol: pure text from rows.

Bucket `metrics` has two measurements. `points`: one recorded value; tags tenant, venue, type and series; the
three digits below the microsecond, and a tag `part` above 999, number equal instants. `quarter_hours`: what
one batch adds to a series' 15 minutes; the nanoseconds above the quarter hour are the batch's number. Series
ids stand for dimensions: as many as the budget of series allows. People are never tags.
"""

import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

RECORDED_BUCKET: Final = "metrics"
POINTS: Final = "points"
QUARTERS: Final = "quarter_hours"
BUCKET_OF_FIGURE: Final = {
    "page_view_count": "user_actions",
    "cart_count": "user_actions",
    "checkout_count": "user_actions",
    "scanned_count": "event_metrics",
    "transferred_count": "event_metrics",
    "new_listing_count": "event_metrics",
    "resale_count": "event_metrics",
    "order_count": "sales_velocity",
    "ticket_count": "sales_velocity",
    "gross_minor": "sales_velocity",
}
"""Figures of platform facts that are kept as series, and their bucket (which is their measurement, too)."""
PLATFORM_BUCKETS: Final = tuple(sorted(set(BUCKET_OF_FIGURE.values())))
QUARTER: Final = 15 * 60 * 1_000_000
NO_EVENT: Final = UUID(int=0)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """What a quarter-hour point says about the batch that it belongs to."""

    epoch: str
    number: int
    before: int


def tags_of(series: Row) -> str:
    """Tags of a series, sorted by their names; none of the values needs escaping."""
    return (
        f"series={series['series_id']},tenant={series['tenant_id']}"
        f",type={series['metric_type']},venue={series['venue_id']}"
    )


def recorded_lines(rows: Iterable[Iterable[Any]], tags: Mapping[int, str], batch: Batch) -> Iterator[str]:
    """A line for each raw row, then one for each series and quarter hour of them.

    Args:
        rows: With series_id, micros, value, committed_in and ordinal.
        tags: By series id.
        batch: The batch that the rows make up.
    """
    quarters: dict[tuple[int, int], list[Any]] = {}
    for row in rows:
        series_id, micros, value, committed_in, ordinal = row
        part, digits = divmod(ordinal, 1000)
        place = f",part={part}" if part else ""
        yield (
            f"{POINTS}{place},{tags[series_id]} value={value!r},committed_in={committed_in}i"
            f" {micros * 1000 + digits}"
        )
        key = (series_id, micros - micros % QUARTER)
        found = quarters.get(key)
        if found is None:
            quarters[key] = [1, value, value, value, micros]
        else:
            found[0] += 1
            found[1] += value
            found[2] = min(found[2], value)
            found[3] = max(found[3], value)
            found[4] = max(found[4], micros)
    for (series_id, start), figures in quarters.items():
        yield _quarter_line(tags[series_id], start, figures, batch)


def platform_lines(rows: Iterable[Row]) -> dict[str, list[str]]:
    """Lines by bucket."""
    lines: dict[str, list[str]] = {}
    for row in rows:
        bucket = BUCKET_OF_FIGURE[row["figure"]]
        currency = f",currency={row['currency']}" if row["currency"] else ""
        event = f",event={row['event_id']}" if row["event_id"] != NO_EVENT else ""
        lines.setdefault(bucket, []).append(
            f"{bucket}{currency}{event},tenant={row['tenant_id']},type={row['figure']}"
            f",venue={row['venue_id']} value={row['value']}i {row['micros'] * 1000}"
        )
    return lines


def _quarter_line(tags: str, start: int, figures: Sequence[Any], batch: Batch) -> str:
    count, total, least, greatest, newest = figures
    if not math.isfinite(
        total
    ):  # PostgreSQL refuses such a sum when it is read; here it must not stop others
        total = math.copysign(sys.float_info.max, total)
    return (
        f"{QUARTERS},epoch={batch.epoch},{tags} count={count}i,sum={total!r},min={least!r},max={greatest!r}"
        f",newest={newest}i,before={batch.before}i {start * 1000 + batch.number}"
    )
