"""A listing's history, computed from everything that is known of it: no order of arrival matters."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Final, NamedTuple
from uuid import UUID

from services.metrics.marketplace.facts import ListingStatement

_HOUR: Final = timedelta(hours=1)

REACHES: Final = tuple(1 << (2 * power) for power in range(15))
"""Powers of four, in hours, by which spans are filed; the last is longer than the calendar."""


class Span(NamedTuple):
    """A time during which a listing was for sale as one statement says; `ends_at` None: it still is."""

    starts_at: datetime
    ends_at: datetime | None
    terms: ListingStatement


@dataclass(frozen=True, slots=True)
class Listing:
    """A listing. `newest` and `first_listed_at` are None as long as no statement made, or offered, it."""

    listing_id: UUID
    newest: ListingStatement | None
    first_listed_at: datetime | None
    closed_at: datetime | None
    spans: tuple[Span, ...]


def listing_of(
    listing_id: UUID, statements: Iterable[ListingStatement], closed_at: datetime | None
) -> Listing:
    """The listing that these statements and the resale at `closed_at` make.

    At any moment the statement with the greatest revision among those made until then holds; the resale ends
    whatever holds from its time on.
    """
    told = sorted(statements, key=lambda statement: (statement.stated_at, statement.revision))
    return Listing(
        listing_id=listing_id,
        newest=max(told, key=lambda statement: statement.revision, default=None),
        first_listed_at=next((each.stated_at for each in told if each.status == "active"), None),
        closed_at=closed_at,
        spans=tuple(_spans(told, closed_at)),
    )


def reach_hours(span: Span) -> int:
    """The least of `REACHES` that is not below the span's length; 0 while it has no end."""
    if span.ends_at is None:
        return 0
    length = span.ends_at - span.starts_at
    return next(reach for reach in REACHES if length <= reach * _HOUR)


def earliest_starts(until: datetime) -> list[tuple[int, datetime]]:
    """For every reach the earliest start from which a span may last until the instant."""
    beginning = datetime.min.replace(tzinfo=until.tzinfo)
    since = until - beginning
    return [
        (0, beginning),
        *((reach, beginning if reach * _HOUR > since else until - reach * _HOUR) for reach in REACHES),
    ]


def _spans(told: Iterable[ListingStatement], closed_at: datetime | None) -> Iterable[Span]:
    holding: list[ListingStatement] = []
    for statement in told:
        if not holding or statement.revision > holding[-1].revision:
            holding.append(statement)
    for statement, following in zip_longest(holding, holding[1:]):
        replaced_at = None if following is None else following.stated_at
        ends_at = min((at for at in (replaced_at, closed_at) if at is not None), default=None)
        if statement.status == "active" and (ends_at is None or statement.stated_at < ends_at):
            yield Span(statement.stated_at, ends_at, statement)
