"""Which facts each figure is made from."""

from collections.abc import Mapping

from services.metrics.capacity.report import Capacity
from services.metrics.figures.family import Family
from services.metrics.figures.pace import PaceFigures
from services.metrics.figures.questions import FigureQuestion
from services.metrics.figures.resales import ResaleFigures
from services.metrics.figures.sales import SalesFigures
from services.metrics.figures.scans import ScanFigures
from services.metrics.figures.seats import SeatFigures
from services.metrics.figures.visits import VisitFigures
from services.metrics.figures.vocabulary import (
    OF_RESALES,
    OF_SALES,
    OF_SCANS,
    OF_SEATS,
    OF_VISITS,
    Figure,
)
from services.metrics.marketplace.reader import MarketplaceReader
from services.metrics.performance.pacing import PacingReader
from services.metrics.sales.reader import SalesReader
from services.metrics.tickets.reader import TicketReader


def families_of(
    sales: SalesReader, tickets: TicketReader, market: MarketplaceReader, capacity: Capacity
) -> Mapping[Figure, Family[FigureQuestion]]:
    """Who answers each figure."""
    return {
        **dict.fromkeys(OF_SALES, SalesFigures(sales)),
        **dict.fromkeys(OF_VISITS, VisitFigures()),
        **dict.fromkeys(OF_SEATS, SeatFigures(capacity)),
        **dict.fromkeys(OF_SCANS, ScanFigures(tickets)),
        **dict.fromkeys(OF_RESALES, ResaleFigures(market)),
        Figure.PACING_PERCENTILE: PaceFigures(PacingReader(capacity)),
    }
