"""The secondary market, as the service answers it and as a naive count has it."""

from zoneinfo import ZoneInfo

import pytest
from tickettoken.metrics.v1 import marketplace_pb2

from tests.metrics.season import naive
from tests.metrics.season.questions import timed, windows

_COUNTS = ("new_listing_count", "active_listing_count", "resale_count")
_RATIOS = ("median_resale_price_ratio", "median_listing_price_ratio", "above_face_value_ratio")


def shown(message):
    found = {name: getattr(message, name) for name in _COUNTS}
    found |= {
        "resale_amount": message.resale_amount.amount_minor,
        "royalties": message.royalties.amount_minor,
    }
    return found | {name: getattr(message, name) if message.HasField(name) else None for name in _RATIOS}


def expected(figures):
    return {
        name: pytest.approx(value) if isinstance(value, float) else value for name, value in figures.items()
    }


async def ask(client, start, end, **fields):
    request = timed(marketplace_pb2.GetMarketplaceActivityRequest(**fields), start, end)
    return await client.analytics.GetMarketplaceActivity(request, metadata=client.metadata)


@pytest.mark.parametrize("place", range(4))
async def test_market_of_the_tenant_and_of_each_venue(season, client, place):
    start, end = windows(season, ZoneInfo("Europe/Berlin"))[place]
    for venue in (None, *season.venues):
        venue_id = None if venue is None else venue.id
        answer = await ask(client, start, end, venue_id=str(venue_id or ""))

        wanted = naive.market(season, start, end, lambda one, id_=venue_id: id_ in (None, one.venue_id))
        assert {one.currency: shown(one) for one in answer.totals} == {
            currency: expected(figures) for currency, figures in wanted.items()
        }


async def test_market_of_each_show(season, client):
    start, end = windows(season, ZoneInfo("Europe/Berlin"))[0]
    answer = await ask(client, start, end)

    found = {(one.event_id, one.figures.currency): shown(one.figures) for one in answer.events}
    amounts = [one.figures.resale_amount.amount_minor for one in answer.events]
    assert amounts == sorted(amounts, reverse=True)
    for show in season.shows.values():
        wanted = naive.market(season, start, end, lambda one, id_=show.id: one.show_id == id_)
        for currency, figures in wanted.items():
            assert found.pop((str(show.id), currency)) == expected(figures)
    assert not found
