"""Straight lines through the sales of complete periods; pure."""

from collections.abc import Iterable, Sequence

from services.metrics.query.question import Times
from services.metrics.query.rows import Labels, Row, amounts_of, counts_of, labels_of
from services.metrics.sales.reader import SalesRow
from services.metrics.statistics.trend import Trend, fitted

_WHOLE_WINDOW = Times((), ())


def groups_of(sales: Iterable[SalesRow]) -> dict[tuple[Labels, str], list[SalesRow]]:
    """Sales of all periods by labels and currency, in the order of these."""
    groups: dict[tuple[Labels, str], list[SalesRow]] = {}
    for row in sales:
        if not row.is_empty:
            groups.setdefault((labels_of(row, _WHOLE_WINDOW), row.currency), []).append(row)
    return dict(sorted(groups.items(), key=lambda entry: _order(*entry[0])))


def trend_rows(groups: dict[tuple[Labels, str], list[SalesRow]], period_count: int) -> list[Row]:
    """The trend of net revenue and of tickets of each group; periods without a sale are zeros."""
    return [
        Row(labels, currency, _figures(rows, period_count), amounts_of(rows))
        for (labels, currency), rows in groups.items()
    ]


def _figures(rows: Sequence[SalesRow], period_count: int) -> dict[str, float | None]:
    nets, tickets = [0.0] * period_count, [0.0] * period_count
    for row in rows:
        nets[row.place] += row.net_minor
        tickets[row.place] += row.ticket_count
    return {
        **counts_of(rows),
        **_line("netMinor", fitted(nets)),
        **_line("ticket", fitted(tickets)),
        "periodCount": period_count,
        "missingPeriodCount": period_count - len({row.place for row in rows}),
    }


def _line(name: str, trend: Trend) -> dict[str, float | None]:
    return {
        f"{name}SlopePerPeriod": trend.slope,
        f"{name}SlopeLow": trend.low,
        f"{name}SlopeHigh": trend.high,
        f"{name}ChangeRatio": trend.change_ratio,
    }


def _order(labels: Labels, currency: str) -> tuple[str, ...]:
    return (
        str(labels.venue_id or ""),
        str(labels.event_id or ""),
        labels.channel,
        str(labels.ticket_type_id or ""),
        currency,
    )
