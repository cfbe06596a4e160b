"""Who came to the pages and how far, as the service answers it and as a naive count has it."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from tickettoken.metrics.v1 import funnel_pb2

from tests.metrics.season import naive
from tests.metrics.season.questions import timed, windows


def steps(answer):
    return [(one.step, one.session_count) for one in answer.steps]


async def ask(client, start, end, **fields):
    request = timed(funnel_pb2.GetConversionFunnelRequest(**fields), start, end)
    return await client.analytics.GetConversionFunnel(request, metadata=client.metadata)


@pytest.mark.parametrize("place", range(4))
async def test_funnel_of_the_tenant_and_of_each_venue(season, client, place):
    for venue in (None, *season.venues):
        start, end = windows(season, ZoneInfo("America/New_York"))[place]
        answer = await ask(client, start, end, venue_id="" if venue is None else str(venue.id))

        expected = naive.funnel(naive.paths(season, start, end, venue=None if venue is None else venue.id))
        assert steps(answer) == [(name, count) for name, count, _ in expected]
        for found, (_, _, seconds) in zip(answer.steps, expected, strict=True):
            waited = found.median_seconds_from_previous
            assert (waited if found.HasField("median_seconds_from_previous") else None) == (
                None if seconds is None else pytest.approx(seconds, abs=1e-3)
            )
        counts = [count for _, count, _ in expected]
        for found, before, count in zip(answer.steps[1:], counts, counts[1:], strict=False):
            if before:
                assert found.step_conversion_ratio == pytest.approx(count / before)
        if counts[0]:
            assert answer.overall_conversion_ratio == pytest.approx(counts[4] / counts[0])
        assert answer.orders_without_session_count == sum(
            not order.session and start <= order.sold_at < end and venue in (None, order_venue(season, order))
            for order in season.standing
        )


def order_venue(season, order):
    return next(venue for venue in season.venues if venue.id == order.venue_id)


async def test_funnel_of_a_show(season, client):
    for show in list(season.shows.values())[::7]:
        start, end = show.on_sale_at - timedelta(days=1), season.now
        answer = await ask(client, start, end, event_id=str(show.id))

        expected = naive.funnel(naive.paths(season, start, end, show=show.id))
        assert steps(answer) == [(name, count) for name, count, _ in expected]
