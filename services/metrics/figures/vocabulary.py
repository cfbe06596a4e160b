"""The names of figures and of their labels."""

from enum import StrEnum
from typing import Final


class Figure(StrEnum):
    """A figure from the platform's own facts."""

    GROSS_REVENUE = "gross_revenue"
    REFUNDS = "refunds"
    NET_REVENUE = "net_revenue"
    AVERAGE_ORDER_VALUE = "average_order_value"
    ORDER_COUNT = "order_count"
    TICKET_COUNT = "ticket_count"
    REFUNDED_TICKET_COUNT = "refunded_ticket_count"
    VISITOR_COUNT = "visitor_count"
    CONVERSION_RATIO = "conversion_ratio"
    CART_ABANDONMENT_RATIO = "cart_abandonment_ratio"
    SELL_THROUGH_RATIO = "sell_through_ratio"
    AVAILABLE_TICKET_COUNT = "available_ticket_count"
    PACING_PERCENTILE = "pacing_percentile"
    SCAN_COUNT = "scan_count"
    SCAN_RATIO = "scan_ratio"
    RESALE_COUNT = "resale_count"
    RESALE_PRICE_RATIO = "resale_price_ratio"


VENUE: Final = "venue_id"
EVENT: Final = "event_id"
CHANNEL: Final = "channel"
TICKET_TYPE: Final = "ticket_type_id"

OF_SALES: Final = frozenset(
    {
        Figure.GROSS_REVENUE,
        Figure.REFUNDS,
        Figure.NET_REVENUE,
        Figure.AVERAGE_ORDER_VALUE,
        Figure.ORDER_COUNT,
        Figure.TICKET_COUNT,
        Figure.REFUNDED_TICKET_COUNT,
    }
)
OF_VISITS: Final = frozenset({Figure.VISITOR_COUNT, Figure.CONVERSION_RATIO, Figure.CART_ABANDONMENT_RATIO})
OF_SEATS: Final = frozenset({Figure.SELL_THROUGH_RATIO, Figure.AVAILABLE_TICKET_COUNT})
OF_SCANS: Final = frozenset({Figure.SCAN_COUNT, Figure.SCAN_RATIO})
OF_RESALES: Final = frozenset({Figure.RESALE_COUNT, Figure.RESALE_PRICE_RATIO})


def labels_of(figure: Figure) -> tuple[str, ...]:
    """What a figure can be answered by."""
    return (VENUE, EVENT, CHANNEL, TICKET_TYPE) if figure in OF_SALES else (VENUE, EVENT)


def filters_of(figure: Figure) -> tuple[str, ...]:
    """What a figure can be filtered by, beside its venue and its show."""
    return (CHANNEL, TICKET_TYPE) if figure in OF_SALES else ()
