"""The shows with the largest net revenue of a window; pure."""

from collections import defaultdict
from collections.abc import Iterable

from services.metrics.query.question import Times
from services.metrics.query.rows import Row, amounts_of, counts_of, labels_of
from services.metrics.sales.reader import SalesRow

_WHOLE_WINDOW = Times((), ())


def ranked_rows(sales: Iterable[SalesRow]) -> list[Row]:
    """Shows by rank within their currency, the best of every currency before any second.

    Equal net revenue shares a rank; after two that share rank 1 comes rank 3. Sales that name no show are
    nobody's.

    Args:
        sales: Sales by show over the whole window.
    """
    by_currency: defaultdict[str, list[SalesRow]] = defaultdict(list)
    for row in sales:
        if row.event_id is not None and not row.is_empty:
            by_currency[row.currency].append(row)
    ranked = [entry for rows in by_currency.values() for entry in _ranks(rows)]
    ranked.sort(key=lambda entry: (entry[0], entry[1].currency, _ids(entry[1])))
    return [
        Row(
            labels_of(row, _WHOLE_WINDOW),
            row.currency,
            {"rank": rank, **counts_of([row])},
            amounts_of([row]),
        )
        for rank, row in ranked
    ]


def _ranks(rows: list[SalesRow]) -> list[tuple[int, SalesRow]]:
    nets = sorted((row.net_minor for row in rows), reverse=True)
    ranks: dict[int, int] = {}
    for rank, net in enumerate(nets, start=1):
        ranks.setdefault(net, rank)
    return [(ranks[row.net_minor], row) for row in rows]


def _ids(row: SalesRow) -> tuple[str, str]:
    return (str(row.venue_id or ""), str(row.event_id or ""))
