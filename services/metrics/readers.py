"""Use cases that several capabilities read by, each built once in a process."""

from libs.common.paging import PageTokens
from services.metrics.capacity.report import Capacity
from services.metrics.engines import Engines
from services.metrics.marketplace.reader import MarketplaceReader
from services.metrics.sales.over_time import SalesHistory
from services.metrics.sales.reader import SalesReader
from services.metrics.sales.top_events import Rankings
from services.metrics.series.retention import Retention
from services.metrics.tickets.reader import TicketReader
from services.metrics.visits.reader import VisitReader


class Readers:
    """What is read across capabilities.

    Args:
        engines: Stores and clients of the process.
    """

    def __init__(self, engines: Engines) -> None:
        settings, database = engines.settings, engines.database
        self.pages = PageTokens(engines.key("page-tokens"))
        self.retention = Retention(
            raw_days=settings.retention_days, rollup_days=settings.rollup_retention_days
        )
        self.seats = Capacity(database, engines.venues)
        self.sales = SalesReader(database)
        self.history = SalesHistory(database, self.sales)
        self.rankings = Rankings(database, self.sales, self.seats)
        self.tickets = TicketReader(database)
        self.market = MarketplaceReader()
        self.visits = VisitReader(database, active_seconds=settings.session_active_seconds)
        self.customers = engines.customers
