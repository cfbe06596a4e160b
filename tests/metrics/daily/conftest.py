"""The daily tables as rows that are not zero."""

import pytest

from services.metrics.daily.figures import EVENT_FIGURES, VENUE_FIGURES


@pytest.fixture
def venue_days(as_admin):
    """Figures that are not zero by (venue, day, currency)."""

    async def read(tenant_id):
        rows = await as_admin.fetch("select * from venue_analytics where tenant_id = $1", tenant_id)
        return _standing(
            {(row["venue_id"], row["day"], row["currency"]): _of(row, VENUE_FIGURES) for row in rows}
        )

    return read


@pytest.fixture
def show_days(as_admin):
    """Figures that are not zero by (show, venue, day, currency)."""

    async def read(tenant_id):
        rows = await as_admin.fetch("select * from event_analytics where tenant_id = $1", tenant_id)
        keys = ("event_id", "venue_id", "day", "currency")
        return _standing({tuple(row[key] for key in keys): _of(row, EVENT_FIGURES) for row in rows})

    return read


def _of(row, names):
    return {name: row[name] for name in names if row[name]}


def _standing(rows):
    return {key: figures for key, figures in rows.items() if figures}
