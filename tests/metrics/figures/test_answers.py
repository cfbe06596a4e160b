"""Figures of the platform's facts: what is defined, what is refused, and whose facts they are."""

from datetime import UTC, timedelta
from uuid import uuid4

import pytest

from tests.metrics.figures.asking import DAY, WINDOW, Asker, query
from tests.metrics.process import MetricsProcess
from tests.metrics.read_models.test_read_models import deliver
from tests.metrics.serving import bad_fields
from tests.platform import events as make
from tests.platform.events import NOON

HOUR = timedelta(hours=1)


async def test_a_query_that_fails_never_loses_the_others(figures, handler):
    tenant, venue, show, elsewhere = (uuid4() for _ in range(4))
    log = [
        make.order_completed(tenant, venue, lines=[(2, 500, None, show)]),
        make.order_completed(tenant, elsewhere, lines=[(1, 300, None, uuid4())]),
    ]
    await deliver(handler, log, 1)
    good = query("net_revenue", venue=venue)
    bad = [
        (query("net_revenue", labels=["colour"]), "INVALID_FIELD", "venue_id, event_id, channel"),
        (query("visitor_count", labels=["channel"]), "INVALID_FIELD", "venue_id, event_id"),
        (query("scan_count", filter={"channel": "web"}), "INVALID_FIELD", "none"),
        (query("net_revenue", filter={"venue_id": str(venue)}), "INVALID_FIELD", "channel, ticket_type_id"),
        (query("net_revenue", filter={"ticket_type_id": "x"}), "INVALID_FIELD", "UUID"),
        (query("pacing_percentile"), "INVALID_FIELD", "event_id"),
        (query("profit"), "INVALID_FIELD", "gross_revenue"),
        (query(), "INVALID_FIELD", "source"),
        (query(metric="queue", aggregation="sum"), "INVALID_FIELD", "venueId"),
        (query(metric="queue", venue=venue), "INVALID_FIELD", "aggregation"),
        (query(metric="queue", venue=venue, aggregation="sum", event=show), "INVALID_FIELD", "eventId"),
        (query("net_revenue", window=(NOON, NOON)), "INVALID_FIELD", "window"),
        (query("net_revenue", filter={"channel": "a\0b"}), "INVALID_FIELD", "U+0000"),
        (query("net_revenue", venue=uuid4()), "VENUE_NOT_FOUND", "venue"),
        (query("net_revenue", event=uuid4()), "EVENT_NOT_FOUND", "event"),
        (query("sell_through_ratio", venue=elsewhere, event=show), "EVENT_NOT_FOUND", "event"),
    ]

    results = await figures.results(
        tenant, good, *(one for one, _, _ in bad), query("net_revenue", event=show)
    )

    for result, (_, reason, word) in zip(results[1:-1], bad, strict=True):
        assert (result.error_reason, word in result.error_message) == (reason, True), result
        assert not result.values
    assert [one.value for one in results[0].values] == [one.value for one in results[-1].values] == [1_000]


async def test_a_key_comes_once(figures):
    answer = await figures.answer(uuid4(), query("refunds"), query("refunds"))

    assert [(one.key, one.error_reason) for one in answer.results] == [("k", ""), ("k", "INVALID_FIELD")]


async def test_the_call_itself_takes_1_to_500_queries(figures):
    assert await bad_fields(figures.answer(uuid4())) == ["queries"]
    assert await bad_fields(figures.answer(uuid4(), *[query("refunds")] * 501)) == ["queries"]


async def test_money_is_told_by_currency_and_counts_are_not(figures, handler):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    lines = [(1, 1_001, None, show), (1, 500, None, show)]
    log = [
        make.order_completed(tenant, venue, lines=lines),
        make.order_completed(tenant, venue, refunded := uuid4(), lines=lines[:1]),
        make.order_completed(tenant, venue, lines=[(3, 100, None, show)], currency="JPY"),
        make.order_refunded(
            tenant, venue, refunded, amount=1_001, lines=[(1, None, show)], at=NOON + 90 * DAY
        ),
    ]
    await deliver(handler, log, 2)

    found = await figures.values(
        tenant,
        query("gross_revenue"),
        query("refunds", event=show),
        query("average_order_value", venue=venue),
        query("order_count", labels=["event_id"]),
        query("ticket_count"),
        query("refunded_ticket_count"),
    )

    assert found == [
        [({}, "EUR", 2_502, 2), ({}, "JPY", 300, 1)],
        [({}, "EUR", 1_001, 2), ({}, "JPY", 0, 1)],
        [({}, "EUR", 1_251, 2), ({}, "JPY", 300, 1)],
        [({"event_id": str(show)}, "", 3, 3)],
        [({}, "", 6, 3)],
        [({}, "", 1, 3)],
    ]


async def test_what_is_not_defined_is_absent_and_never_zero(figures, handler):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    log = [
        make.event_created(tenant, venue, show, starts_at=NOON + 5 * DAY),
        make.page_viewed(tenant, venue, "s-1"),
        make.ticket_resold(tenant, venue, show=show, price=900),
        make.ticket_scanned(tenant, venue, show=show),
    ]
    await deliver(handler, log, 3)

    found = await figures.values(
        tenant,
        query("net_revenue"),
        query("cart_abandonment_ratio"),
        query("conversion_ratio"),
        query("resale_price_ratio"),
        query("sell_through_ratio", event=show),
        query("available_ticket_count", event=show),
        query("scan_ratio"),
        query("pacing_percentile", event=show),
    )

    assert found == [
        [],
        [({}, "", None, 0)],
        [({}, "", 0.0, 1)],
        [({}, "", None, 0)],
        [({}, "", None, 0)],
        [({}, "", None, 0)],
        [({}, "", None, 1)],
        [],
    ]


async def test_stocks_look_at_the_windows_end(figures, handler):
    tenant, venue, show, over, stalls = (uuid4() for _ in range(5))
    log = [
        make.event_created(tenant, venue, show, starts_at=NOON + 5 * DAY),
        make.event_created(tenant, venue, over, starts_at=NOON - 9 * DAY, capacity=100),
        make.event_created(tenant, venue, gone := uuid4(), starts_at=NOON + 5 * DAY, capacity=100),
        make.event_cancelled(tenant, venue, gone, at=NOON + 2 * HOUR),
        make.ticket_type_updated(tenant, venue, show, stalls, capacity=50, held=10),
        make.order_completed(tenant, venue, lines=[(5, 100, stalls, show)], at=NOON),
        make.order_completed(tenant, venue, lines=[(20, 100, stalls, show)], at=NOON + HOUR),
        make.order_completed(tenant, venue, lines=[(100, 100, stalls, show)], at=NOON + 3 * HOUR),
    ]
    await deliver(handler, log, 4)

    def until(end, figure, **fields):
        return query(figure, window=(NOON - DAY, NOON + end), **fields)

    found = await figures.values(
        tenant,
        until(HOUR, "sell_through_ratio", event=show),
        until(2 * HOUR, "available_ticket_count", event=show),
        until(4 * HOUR, "available_ticket_count", labels=["event_id"]),
        until(4 * HOUR, "sell_through_ratio", venue=venue),
        until(HOUR, "sell_through_ratio", venue=venue),
        until(6 * DAY + HOUR, "sell_through_ratio"),
    )

    assert found == [
        [({}, "", 0.1, 5)],
        [({}, "", 15, 25)],
        [({"event_id": str(show)}, "", 0, 125)],
        [({}, "", 2.5, 125)],
        [({}, "", 5 / 150, 5)],
        [],
    ]


async def test_the_percentile_is_the_share_of_comparables_that_sold_less(figures, handler):
    tenant, venue = uuid4(), uuid4()
    log, shows = [make.venue_updated(tenant, venue)], []
    for weeks, sold in ((0, 35), (1, 10), (2, 20), (3, 30), (4, 40), (5, 50)):
        show, stalls, doors = uuid4(), uuid4(), NOON + 10 * DAY - 7 * weeks * 7 * DAY
        terms = {"starts_at": doors, "on_sale_at": doors - 40 * DAY, "genre": "rock"}
        log += [
            make.event_created(tenant, venue, show, **terms),
            make.ticket_type_updated(tenant, venue, show, stalls, capacity=100),
            make.order_completed(tenant, venue, lines=[(sold, 2_000, stalls, show)], at=doors - 20 * DAY),
            make.order_completed(tenant, venue, lines=[(50, 2_000, stalls, show)], at=doors - 5 * DAY),
        ]
        shows.append(show)
    await deliver(handler, log, 5)
    window = (NOON - DAY, NOON)

    (one, by_show) = await figures.values(
        tenant,
        query("pacing_percentile", window=window, event=shows[0]),
        query("pacing_percentile", window=window, labels=["event_id", "venue_id"]),
    )

    assert one == [({}, "", 0.6, 5)]
    assert by_show == [({"event_id": str(shows[0]), "venue_id": str(venue)}, "", 0.6, 5)]


async def test_a_venue_with_too_many_shows_does_not_hold_up_another(figures, handler):
    tenant, small, large = uuid4(), uuid4(), uuid4()
    log = [make.event_created(tenant, small, show := uuid4(), capacity=10)]
    log += [make.event_created(tenant, large, uuid4(), capacity=10) for _ in range(1001)]
    await deliver(handler, log, 6)

    found = await figures.values(
        tenant,
        query("sell_through_ratio", venue=small),
        query("sell_through_ratio", venue=large),
        query("sell_through_ratio"),
        query("available_ticket_count", event=show),
    )

    assert found == [
        [({}, "", 0.0, 0)],
        "TOO_MANY_EVENTS",
        "TOO_MANY_EVENTS",
        [({}, "", None, 0)],
    ]


async def test_other_tenants_and_venues_outside_the_grant_are_not_seen(figures, handler):
    tenant, venue, apart, show = (uuid4() for _ in range(4))
    log = [
        make.order_completed(tenant, venue, lines=[(1, 100, None, show)], session_id="s-1"),
        make.order_completed(tenant, apart, lines=[(1, 30, None, uuid4())], session_id="s-2"),
        make.ticket_scanned(tenant, venue, show=show),
        make.ticket_resold(tenant, venue, show=show, price=100, face_value=50),
    ]
    await deliver(handler, log, 7)
    names = ("net_revenue", "conversion_ratio", "scan_count", "resale_count", "sell_through_ratio")
    asked = [query(name, labels=["venue_id"]) for name in names]
    named = [query("net_revenue", venue=venue), query("net_revenue", event=show)]
    named.append(query(metric="queue", aggregation="sum", venue=venue))

    granted = await figures.values(tenant, *asked, *named, venue_ids=[apart])
    stranger = await figures.values(uuid4(), *asked, *named)

    label = {"venue_id": str(apart)}
    assert granted == [
        [(label, "EUR", 30, 1)],
        [(label, "", 1.0, 1)],
        [],
        [],
        [(label, "", None, 1)],
        "VENUE_NOT_FOUND",
        "EVENT_NOT_FOUND",
        "VENUE_NOT_FOUND",
    ]
    assert stranger == [[], [], [], [], [], "VENUE_NOT_FOUND", "EVENT_NOT_FOUND", "VENUE_NOT_FOUND"]


async def test_as_of_is_the_newest_fact_of_the_result(figures, handler):
    tenant, venue = uuid4(), uuid4()
    log = [
        make.order_completed(tenant, venue, lines=[(1, 100)], at=NOON + each * HOUR) for each in (0, 3, 30)
    ]
    await deliver(handler, log, 8)

    (result, empty) = await figures.results(
        tenant, query("order_count"), query("order_count", window=(NOON - 9 * DAY, NOON - DAY))
    )

    assert result.as_of.ToDatetime(UTC) == NOON + 3 * HOUR
    assert not empty.HasField("as_of")


async def test_a_statement_that_takes_too_long_fails_its_query_alone(
    metrics_service, as_admin, redis_url, mongo_url, tmp_path, handler
):
    tenant, venue = uuid4(), uuid4()
    await deliver(handler, [make.page_viewed(tenant, venue, "s-1")], 9)
    process = MetricsProcess(
        tmp_path,
        metrics_service,
        redis_url=redis_url,
        mongo_url=mongo_url,
        command="serve",
        statement_timeout_seconds=1,
    ).start()
    try:
        async with as_admin.transaction():
            await as_admin.execute("lock table sales_rollup in access exclusive mode")
            found = await Asker(process).values(tenant, query("net_revenue"), query("visitor_count"))
    finally:
        process.stop()

    assert found == ["STATEMENT_TIMED_OUT", [({}, "", 1, 1)]]


@pytest.mark.parametrize("figure", ["net_revenue", "ticket_count"])
async def test_a_window_has_its_start_and_not_its_end(figures, handler, figure):
    tenant, venue = uuid4(), uuid4()
    moments = (WINDOW[0], WINDOW[1] - timedelta(microseconds=1), WINDOW[1])
    log = [make.order_completed(tenant, venue, lines=[(1, 1)], at=at) for at in moments]
    await deliver(handler, log, 10)

    ((value,),) = await figures.values(tenant, query(figure))

    assert value[2:] == (2, 2)
