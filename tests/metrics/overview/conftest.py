"""The overview's use cases at a moment of the test's choice."""

from datetime import timedelta

import pytest

from services.metrics.capacity.report import Capacity
from services.metrics.customers_port import NotDeployed
from services.metrics.overview.dashboard import Dashboards
from services.metrics.overview.realtime import Realtime
from services.metrics.overview.traffic import Traffic
from services.metrics.sales.over_time import SalesHistory
from services.metrics.sales.reader import SalesReader
from services.metrics.sales.top_events import Rankings
from services.metrics.tickets.reader import TicketReader
from services.metrics.visits.reader import VisitReader


@pytest.fixture
def realtime_at(database, venues):
    def make(now, *, kept_days=400):
        visits = VisitReader(database, now=lambda: now)
        return Realtime(
            database,
            sales=SalesReader(database),
            visits=visits,
            traffic=Traffic(visits, kept=timedelta(days=kept_days)),
            tickets=TicketReader(database),
            capacity=Capacity(database, venues),
            now=lambda: now,
        )

    return make


@pytest.fixture
def dashboards_at(database, venues):
    def make(now, *, kept_days=400, customers=None):
        sales = SalesReader(database)
        return Dashboards(
            database,
            sales=sales,
            history=SalesHistory(database, sales),
            rankings=Rankings(database, sales, Capacity(database, venues)),
            traffic=Traffic(VisitReader(database), kept=timedelta(days=kept_days)),
            capacity=Capacity(database, venues),
            customers=customers or NotDeployed(),
            now=lambda: now,
        )

    return make
