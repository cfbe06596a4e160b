"""Questions in the closed vocabulary about a season, against a naive count."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tickettoken.metrics.v1 import query_pb2

from libs.common.buckets import Window, bucket_edges
from tests.metrics.season import naive
from tests.metrics.season.questions import ZONES, windows

LABELS = {
    "venue": lambda line: str(line.order.venue_id),
    "event": lambda line: str(line.show_id),
    "channel": lambda line: line.order.channel,
    "type": lambda line: str(line.type_id),
}
FIELDS = {"venue": "venue_id", "event": "event_id", "channel": "channel", "type": "ticket_type_id"}


@pytest.fixture(scope="session")
def books(season):
    return naive.sold(season)


async def ask(client, metrics, window, *, granularity="", **fields):
    request = query_pb2.ExecuteQueryRequest(metrics=metrics, **fields)
    request.time_range.start.FromDatetime(window[0])
    request.time_range.end.FromDatetime(window[1])
    request.time_range.granularity = granularity
    return await client.analytics.ExecuteQuery(request, metadata=client.metadata)


def grouped(lines, labels, unit, clock, *, currency=True):
    """Lines by (bucket, venue, event, channel, type, currency), in the order of the answer."""
    groups = defaultdict(list)
    for line in lines:
        key = [
            naive.bucket(line.order.sold_at, unit, clock) if "time" in labels else None,
            *(LABELS[name](line) if name in labels else "" for name in LABELS),
            line.order.currency if currency else "",
        ]
        groups[tuple(key)].append(line)
    return dict(sorted(groups.items(), key=lambda entry: (str(entry[0][0]), *entry[0][1:])))


def key_of(row, unit, clock):
    start = naive.bucket(row.start_time.ToDatetime(UTC), unit, clock) if row.HasField("start_time") else None
    return (start, *(getattr(row, field) for field in FIELDS.values()), row.currency)


def counts(lines):
    return {
        "orderCount": len({line.order.id for line in lines}),
        "ticketCount": sum(line.tickets for line in lines),
        "refundedTicketCount": sum(line.returned for line in lines),
    }


def money(lines):
    return {
        "gross": sum(line.gross for line in lines),
        "refunds": sum(line.refund for line in lines),
        "fees": sum(line.fees for line in lines),
        "net": sum(line.net for line in lines),
    }


def within(books, window):
    return [line for line in books if window[0] <= line.order.sold_at < window[1]]


GROUPINGS = [
    [],
    ["time"],
    ["venue"],
    ["event"],
    ["channel", "time"],
    ["type", "channel"],
    ["venue", "event", "channel", "type"],
    ["time", "venue", "channel"],
]


@pytest.mark.parametrize("time_zone", ZONES)
@pytest.mark.parametrize("group_by", GROUPINGS, ids="-".join)
async def test_revenue_and_ticket_sales(season, books, client, time_zone, group_by):
    clock = ZoneInfo(time_zone)
    for unit, window in zip(("month", "hour", "day", "week"), windows(season, clock), strict=True):
        answer = await ask(
            client,
            ["ticketSales", "revenue"],
            window,
            granularity=unit,
            group_by=group_by,
            time_zone=time_zone,
            limit=10_000,
        )

        lines = within(books, window)
        tickets, revenue = answer.results
        assert (tickets.metric, revenue.metric) == ("ticketSales", "revenue")
        expected = grouped(lines, group_by, unit, clock)
        assert [key_of(row, unit, clock) for row in revenue.rows] == list(expected)
        for row, own in zip(revenue.rows, expected.values(), strict=True):
            assert {name: amount.amount_minor for name, amount in row.amounts.items()} == money(own)
            assert {amount.currency for amount in row.amounts.values()} == {row.currency}
            assert dict(row.figures) == counts(own)
        expected = grouped(lines, group_by, unit, clock, currency=False)
        assert [key_of(row, unit, clock) for row in tickets.rows] == list(expected)
        assert [dict(row.figures) for row in tickets.rows] == [counts(own) for own in expected.values()]
        assert not any(row.amounts for row in tickets.rows)
        assert not tickets.truncated
        assert not revenue.truncated


async def test_filters_narrow_the_sales(season, books, client):
    window = windows(season, ZoneInfo("Europe/Berlin"))[0]
    show, other = list(season.shows.values())[3:5]
    kinds = [show.types[0].id, show.types[2].id]
    cases = [
        ({"venue_ids": [str(season.venues[1].id)]}, lambda line: line.order.venue_id == season.venues[1].id),
        ({"event_ids": [str(show.id), str(other.id)]}, lambda line: line.show_id in (show.id, other.id)),
        ({"channels": ["web", "partner"]}, lambda line: line.order.channel in ("web", "partner")),
        ({"ticket_type_ids": [str(kind) for kind in kinds]}, lambda line: line.type_id in kinds),
        ({"currencies": ["NPR"]}, lambda line: line.order.currency == "NPR"),
        (
            {"event_ids": [str(show.id)], "channels": ["mobile"], "currencies": ["EUR"]},
            lambda line: (
                (line.show_id, line.order.channel, line.order.currency) == (show.id, "mobile", "EUR")
            ),
        ),
    ]
    for filters, is_wanted in cases:
        for group_by in ([], ["channel"], ["event", "type"]):
            answer = await ask(
                client, ["revenue"], window, group_by=group_by, filters=query_pb2.QueryFilters(**filters)
            )

            own = [line for line in within(books, window) if is_wanted(line)]
            expected = grouped(own, group_by, "day", ZoneInfo("UTC"))
            (found,) = answer.results
            assert [key_of(row, "day", ZoneInfo("UTC")) for row in found.rows] == list(expected)
            for row, lines in zip(found.rows, expected.values(), strict=True):
                assert {name: amount.amount_minor for name, amount in row.amounts.items()} == money(lines)
                assert dict(row.figures) == counts(lines)


@pytest.mark.parametrize("time_zone", ZONES)
async def test_conversion_rate(season, client, time_zone):
    clock = ZoneInfo(time_zone)
    show = list(season.shows.values())[4]
    for unit, window in zip(("month", "hour", "day", "week"), windows(season, clock), strict=True):
        for group_by, filters in (
            ([], {}),
            (["time"], {}),
            (["time", "venue"], {}),
            (["event"], {}),
            (["venue", "event"], {"venue_ids": [str(season.venues[2].id)]}),
            (["time", "event"], {"event_ids": [str(show.id)]}),
        ):
            answer = await ask(
                client,
                ["conversionRate"],
                window,
                granularity=unit,
                group_by=group_by,
                time_zone=time_zone,
                filters=query_pb2.QueryFilters(**filters),
                limit=10_000,
            )

            expected = sessions(season, window, group_by, unit, clock, filters)
            found = {key_of(row, unit, clock): dict(row.figures) for row in answer.results[0].rows}
            assert len(found) == len(answer.results[0].rows)
            assert found == {
                key: {
                    "visitorCount": len(visited),
                    "orderingSessionCount": len(ordered),
                    "sessionCount": len(visited | ordered),
                    "conversionRatio": pytest.approx(len(ordered) / len(visited | ordered)),
                }
                for key, (visited, ordered) in expected.items()
            }


def sessions(season, window, labels, unit, clock, filters):
    """Sessions that visited and sessions that ordered, by labels."""
    groups = defaultdict(lambda: (set(), set()))
    by_show = "event" in labels or "event_ids" in filters
    for session, venue_id, shows, at, kind in naive.deeds(season, *window):
        if str(venue_id) not in filters.get("venue_ids", str(venue_id)):
            continue
        start = naive.bucket(at, unit, clock) if "time" in labels else None
        venue = str(venue_id) if "venue" in labels else ""
        for show in map(str, shows) if by_show else [""]:
            if show in filters.get("event_ids", show):
                key = (start, venue, show if "event" in labels else "", "", "", "")
                groups[key][kind == "order"].add(session)
    return groups


@pytest.mark.parametrize("group_by", [[], ["venue"], ["event", "venue"]], ids="-".join)
async def test_top_events(season, books, client, group_by):
    window = (season.now - timedelta(days=200), season.now - timedelta(days=20))
    answer = await ask(client, ["topEvents"], window, group_by=group_by, limit=10_000)

    utc = ZoneInfo("UTC")
    expected = grouped(within(books, window), {"event", *group_by}, "day", utc)
    (found,) = answer.results
    assert {key_of(row, "day", utc) for row in found.rows} == set(expected)
    best = defaultdict(list)
    for key, lines in expected.items():
        best[key[-1]].append(money(lines)["net"])
    for row in found.rows:
        own = expected[key_of(row, "day", utc)]
        rank = 1 + sum(net > money(own)["net"] for net in best[row.currency])
        assert dict(row.figures) == {"rank": rank, **counts(own)}
        assert {name: amount.amount_minor for name, amount in row.amounts.items()} == money(own)
    ranks = [row.figures["rank"] for row in found.rows]
    assert ranks == sorted(ranks)
    few = (await ask(client, ["topEvents"], window, group_by=group_by, limit=5)).results[0]
    assert list(few.rows) == list(found.rows)[:5]
    assert few.truncated


@pytest.mark.parametrize("time_zone", ZONES)
@pytest.mark.parametrize("unit", ["day", "week", "month"])
async def test_sales_trends(season, books, client, time_zone, unit):
    clock = ZoneInfo(time_zone)
    window = (season.now - timedelta(days=200), season.now + timedelta(days=40))
    for group_by in ([], ["venue"], ["channel", "venue"]):
        answer = await ask(
            client, ["salesTrends"], window, granularity=unit, group_by=group_by, time_zone=time_zone
        )

        edges = bucket_edges(Window(*window), unit, clock)
        edges = [edge for edge in edges if window[0] <= edge <= datetime.now(UTC)]
        periods = [naive.bucket(start, unit, clock) for start, _ in pairwise(edges)]
        expected = grouped(within(books, (edges[0], edges[-1])), group_by, unit, clock)
        (found,) = answer.results
        assert [key_of(row, unit, clock) for row in found.rows] == list(expected)
        for row, lines in zip(found.rows, expected.values(), strict=True):
            net, tickets = np.zeros(len(periods)), np.zeros(len(periods))
            for line in lines:
                place = periods.index(naive.bucket(line.order.sold_at, unit, clock))
                net[place] += line.net
                tickets[place] += line.tickets
            slopes = [np.polyfit(np.arange(len(periods)), values, 1)[0] for values in (net, tickets)]
            names = ("netMinorSlopePerPeriod", "ticketSlopePerPeriod")
            assert [row.figures[name] for name in names] == pytest.approx(slopes, rel=1e-6, abs=1e-6)
            assert row.figures["periodCount"] == len(periods)
            assert row.figures["missingPeriodCount"] == sum(tickets == 0)
            assert {name: amount.amount_minor for name, amount in row.amounts.items()} == money(lines)
