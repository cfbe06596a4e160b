"""Use case: revenue of a window by the channel of the orders."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.buckets import Window
from libs.common.context import TenantScope
from services.metrics.sales.figures import RevenueFigures, by_currency, newest_fact
from services.metrics.sales.reader import Dimension, SalesFilter, SalesReader, SalesRow


@dataclass(frozen=True, slots=True)
class ChannelShare:
    """One channel in one currency; `gross_share` is None where the currency's gross is 0."""

    channel: str
    figures: RevenueFigures
    gross_share: float | None


@dataclass(frozen=True, slots=True)
class RevenueByChannel:
    """Channels by currency, then the largest net first."""

    window: Window
    channels: tuple[ChannelShare, ...]
    as_of: datetime | None


class Channels:
    """Revenue by channel, read from the books."""

    def __init__(self, sales: SalesReader) -> None:
        self._sales = sales

    async def revenue(self, scope: TenantScope, window: Window, venue_id: UUID | None) -> RevenueByChannel:
        """Revenue of one venue, or of every venue of the scope."""
        where = SalesFilter(venue_ids=() if venue_id is None else (venue_id,))
        rows = await self._sales.rows(
            scope, [window.start, window.end], where=where, by=frozenset({Dimension.CHANNEL})
        )
        return RevenueByChannel(window, shares(rows), newest_fact(rows))


def shares(rows: list[SalesRow]) -> tuple[ChannelShare, ...]:
    """Each channel and currency with anything left in the books, and its part of the currency's gross."""
    gross: Counter[str] = Counter()
    for row in rows:
        gross[row.currency] += row.gross_minor
    found = [
        ChannelShare(
            row.channel,
            figures,
            figures.gross_minor / gross[row.currency] if gross[row.currency] else None,
        )
        for row in rows
        for figures in by_currency([row])
    ]
    found.sort(key=lambda share: (share.figures.currency, -share.figures.net_minor, share.channel))
    return tuple(found)
