"""Publish listings and resales and read the market over gRPC: fresh, exact, and each tenant its own."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from tickettoken.metrics.v1 import marketplace_pb2

from tests.metrics.marketplace.conftest import market
from tests.metrics.platform import oracle_marketplace as oracle
from tests.metrics.read_models.test_over_grpc import eventually, publish
from tests.metrics.serving import bad_fields, refused
from tests.platform import events as make
from tests.platform.events import NOON

DAYS = (NOON, NOON + timedelta(days=30))


async def ask(client, start=None, end=None, *, venue="", show=""):
    request = marketplace_pb2.GetMarketplaceActivityRequest(venue_id=str(venue), event_id=str(show))
    if start is not None:
        request.start_date.FromDatetime(start)
    if end is not None:
        request.end_date.FromDatetime(end)
    return await client.analytics.GetMarketplaceActivity(request, metadata=client.metadata)


def figures_of(answer):
    entries = [(None, figures) for figures in answer.totals]
    entries += [(show.event_id, show.figures) for show in answer.events]
    return {(show, figures.currency): told(figures) for show, figures in entries}


def told(figures):
    def optional(field, value):
        return value if figures.HasField(field) else None

    median, asked = figures.median_resale_price_ratio, figures.median_listing_price_ratio
    return {
        "new_listing_count": figures.new_listing_count,
        "active_listing_count": figures.active_listing_count,
        "resale_count": figures.resale_count,
        "resale_minor": figures.resale_amount.amount_minor,
        "average_minor": optional("average_resale_price", figures.average_resale_price.amount_minor),
        "royalty_minor": figures.royalties.amount_minor,
        "median_resale_ratio": optional("median_resale_price_ratio", round(median, 12)),
        "median_listing_ratio": optional("median_listing_price_ratio", round(asked, 12)),
        "above_face_ratio": optional("above_face_value_ratio", round(figures.above_face_value_ratio, 12)),
    }


def rounded(expected):
    return {
        key: {name: round(value, 12) if isinstance(value, float) else value for name, value in own.items()}
        for key, own in expected.items()
    }


async def test_a_published_market_is_exact_and_again_changes_nothing(metrics_process):
    made = market(901)
    expected = rounded(oracle.market(made.log, *DAYS))
    async with metrics_process.client(made.tenant_id) as client:

        async def seen():
            return figures_of(await ask(client, *DAYS))

        await publish(client, made.arrivals(1))
        await eventually(seen, expected)
        await publish(client, made.arrivals(2))
        answer = await ask(client, *DAYS)
        venue, show = made.venues[0], next(iter(made.shows))
        of_venue, of_show = await ask(client, *DAYS, venue=venue), await ask(client, *DAYS, show=show)

    assert figures_of(answer) == expected
    assert figures_of(of_venue) == rounded(oracle.market(made.log, *DAYS, venues=[venue]))
    assert figures_of(of_show) == rounded(oracle.market(made.log, *DAYS, show=show))
    assert answer.as_of.ToDatetime(tzinfo=UTC) == oracle.newest(made.log, DAYS[1])
    assert {show.venue_id for show in answer.events} == {str(venue) for venue in made.venues}
    assert [figures.currency for figures in answer.totals] == sorted({key[1] for key in expected})
    amounts = [show.figures.resale_amount.amount_minor for show in answer.events]
    assert amounts == sorted(amounts, reverse=True)
    for figures in answer.totals:
        assert {figures.resale_amount.currency, figures.royalties.currency} == {figures.currency}


async def test_the_default_window_is_the_30_days_up_to_now_and_shows_what_just_happened(metrics_process):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    begun = datetime.now(UTC)
    async with metrics_process.client(tenant) as client:

        async def resale_counts():
            return [figures.resale_count for figures in (await ask(client)).totals]

        await eventually(resale_counts, [])
        old = make.ticket_resold(tenant, venue, show=show, at=begun - timedelta(days=31))
        new = make.ticket_resold(tenant, venue, show=show, at=begun - timedelta(seconds=1))
        await publish(client, [old, new, make.event_created(tenant, venue, show, name="Gala")])
        await eventually(resale_counts, [1])
        answer = await ask(client)

    window = [stamp.ToDatetime(tzinfo=UTC) for stamp in (answer.window.start_time, answer.window.end_time)]
    assert window[1] - window[0] == timedelta(days=30)
    assert begun <= window[1] <= datetime.now(UTC)
    assert [(one.event_id, one.event_name, one.venue_id) for one in answer.events] == [
        (str(show), "Gala", str(venue))
    ]


@pytest.fixture
async def sold(metrics_process):
    """A client of a tenant with one resale, its venue and its show."""
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    async with metrics_process.client(tenant) as client:
        await publish(client, [make.ticket_resold(tenant, venue, show=show)])

        async def resale_counts():
            return [figures.resale_count for figures in (await ask(client, *DAYS)).totals]

        await eventually(resale_counts, [1])
        yield client, venue, show


async def test_each_refusal_has_its_reason(sold):
    client, venue, _ = sold

    assert await refused(ask(client, *DAYS, venue=uuid4())) == ("NOT_FOUND", "VENUE_NOT_FOUND")
    assert await refused(ask(client, *DAYS, show=uuid4())) == ("NOT_FOUND", "EVENT_NOT_FOUND")
    assert await refused(ask(client, *DAYS, show=uuid4(), venue=venue)) == ("NOT_FOUND", "EVENT_NOT_FOUND")
    assert await bad_fields(ask(client, *DAYS, show="gala", venue="hall")) == ["venueId", "eventId"]
    assert (await refused(ask(client, DAYS[1], DAYS[0])))[0] == "INVALID_ARGUMENT"
    assert await bad_fields(ask(client, datetime.now(UTC) + timedelta(days=1))) == ["endDate"]
    assert await bad_fields(ask(client, end=datetime(1, 1, 2, tzinfo=UTC))) == ["endDate"]


async def test_other_tenants_and_other_grants_see_none_of_it(metrics_process, sold):
    client, venue, show = sold

    async with (
        metrics_process.client(uuid4()) as stranger,
        metrics_process.client(client.tenant_id, venue_ids=[uuid4()]) as elsewhere,
        metrics_process.client(client.tenant_id, permissions=["analytics.write"]) as writer,
    ):
        for other in (stranger, elsewhere):
            assert not (await ask(other, *DAYS)).totals
            assert await refused(ask(other, *DAYS, venue=venue)) == ("NOT_FOUND", "VENUE_NOT_FOUND")
            assert await refused(ask(other, *DAYS, show=show)) == ("NOT_FOUND", "EVENT_NOT_FOUND")
        forbidden, _ = await refused(ask(writer, *DAYS))

    assert forbidden == "PERMISSION_DENIED"


@pytest.mark.parametrize(
    ("fields", "bad"),
    [
        ({"price": -1}, "ticketResold.price"),
        ({"price": 10**13 + 1}, "ticketResold.price"),
        ({"royalty": 10**13 + 1}, "ticketResold.royalty"),
        ({"face_value": -1}, "ticketResold.faceValue"),
    ],
)
async def test_amounts_that_cannot_be_added_up_are_refused_at_the_door(sold, fields, bad):
    client, venue, show = sold

    answer = await publish(client, [make.ticket_resold(client.tenant_id, venue, show=show, **fields)])

    assert answer.rejected_count == 1
    assert bad in str(answer.verdicts)


async def test_a_royalty_in_another_currency_is_refused_at_the_door(sold):
    client, venue, show = sold
    resale = make.ticket_resold(client.tenant_id, venue, show=show, royalty=1)
    resale.ticket_resold.royalty.currency = "USD"

    answer = await publish(client, [resale])

    assert answer.rejected_count == 1
