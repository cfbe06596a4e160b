"""Many figures of a season in one call, each against a naive count."""

from collections import defaultdict
from datetime import timedelta
from fractions import Fraction
from itertools import islice, product
from statistics import median
from zoneinfo import ZoneInfo

import pytest
from tickettoken.metrics.v1 import figures_pb2

from tests.metrics.process import Client
from tests.metrics.season import naive
from tests.metrics.season.questions import ZONES, windows

LABELS = {
    "venue_id": lambda line: str(line.order.venue_id),
    "event_id": lambda line: str(line.show_id),
    "channel": lambda line: line.order.channel,
    "ticket_type_id": lambda line: str(line.type_id),
}


def orders_of(lines):
    return len({line.order.id for line in lines})


def average(lines):
    return round(Fraction(sum(line.gross for line in lines), orders_of(lines)))


MONEY = {
    "gross_revenue": lambda lines: sum(line.gross for line in lines),
    "refunds": lambda lines: sum(line.refund for line in lines),
    "net_revenue": lambda lines: sum(line.net for line in lines),
    "average_order_value": average,
}
COUNTS = {
    "order_count": orders_of,
    "ticket_count": lambda lines: sum(line.tickets for line in lines),
    "refunded_ticket_count": lambda lines: sum(line.returned for line in lines),
}


@pytest.fixture(scope="session")
def books(season):
    return naive.sold(season)


@pytest.fixture
async def service(metrics_process, season):
    """Another service of the mesh, asking for the season's tenant."""
    token = metrics_process.service_token(season.tenant_id)
    async with Client.connected(metrics_process.port, season.tenant_id, token) as client:
        yield client


def query(figure, window, **fields):
    made = figures_pb2.FigureQuery(figure=figure, **fields)
    made.window.start_time.FromDatetime(window[0])
    made.window.end_time.FromDatetime(window[1])
    return made


async def ask(service, queries):
    """Results of all queries, asked in calls that are as large as may be."""
    results = []
    for place, one in enumerate(queries):
        one.key = str(place)
    for start in range(0, len(queries), 500):
        request = figures_pb2.QueryFiguresRequest(queries=queries[start : start + 500])
        answer = await service.metrics.QueryFigures(request, metadata=service.metadata, timeout=280)
        results += answer.results
    assert [result.key for result in results] == [one.key for one in queries]
    return results


def values_of(result):
    """Value and count by labels and currency."""
    assert not result.error_reason, result
    found = {}
    for one in result.values:
        key = (tuple(sorted(one.labels.items())), one.currency)
        assert key not in found
        found[key] = (one.value if one.HasField("value") else None, one.count)
    return found


def grouped(entries, labels, key):
    """Entries by their labels, which `key` tells."""
    groups = defaultdict(list)
    for entry in entries:
        groups[tuple(sorted((label, key(entry, label)) for label in labels))].append(entry)
    return groups


def close(expected):
    return {
        key: (pytest.approx(value) if isinstance(value, float) else value, count)
        for key, (value, count) in expected.items()
    }


@pytest.mark.parametrize("time_zone", ZONES)
async def test_figures_of_sales(season, books, service, time_zone):
    show = list(season.shows.values())[5]
    filters = [
        ({}, lambda line: True),
        ({"venue_id": str(show.venue_id)}, lambda line: line.order.venue_id == show.venue_id),
        ({"event_id": str(show.id)}, lambda line: line.show_id == show.id),
        ({"filter": {"channel": "web"}}, lambda line: line.order.channel == "web"),
        (
            {"filter": {"ticket_type_id": str(show.types[0].id)}, "venue_id": str(show.venue_id)},
            lambda line: line.type_id == show.types[0].id,
        ),
    ]
    groupings = [[], ["venue_id"], ["channel", "event_id"], ["ticket_type_id"]]
    cases = list(product(windows(season, ZoneInfo(time_zone)), filters, groupings, MONEY | COUNTS))

    results = await ask(
        service,
        [query(name, window, group_by=labels, **fields) for window, (fields, _), labels, name in cases],
    )

    for (window, (_, is_wanted), labels, name), result in zip(cases, results, strict=True):
        own = [line for line in books if window[0] <= line.order.sold_at < window[1] and is_wanted(line)]
        expected = {}
        for key, lines in grouped(own, labels, lambda line, label: LABELS[label](line)).items():
            if name in COUNTS:
                expected[key, ""] = (COUNTS[name](lines), orders_of(lines))
                continue
            for (currency,), of in grouped(lines, ["currency"], lambda line, _: line.order.currency).items():
                expected[key, currency[1]] = (MONEY[name](of), orders_of(of))
        assert values_of(result) == expected


@pytest.mark.parametrize("time_zone", ZONES)
async def test_figures_of_visits(season, service, time_zone):
    show = list(season.shows.values())[7]
    filters = [{}, {"venue_id": season.venues[0].id}, {"event_id": show.id}]
    names = ["visitor_count", "conversion_ratio", "cart_abandonment_ratio"]
    groupings = [[], ["venue_id"], ["event_id"], ["venue_id", "event_id"]]
    cases = list(product(windows(season, ZoneInfo(time_zone)), filters, groupings, names))

    results = await ask(
        service,
        [
            query(name, window, group_by=labels, **{field: str(id_) for field, id_ in fields.items()})
            for window, fields, labels, name in cases
        ],
    )

    answers = iter(zip(cases, results, strict=True))
    for (window, fields, labels, name), result in answers:
        groups = sessions(season, window, labels, fields)
        for figure, found in ((name, result), *((case[-1], more) for case, more in islice(answers, 2))):
            expected = {(key, ""): visit_figure(figure, own) for key, own in groups.items()}
            assert values_of(found) == close(expected)


def sessions(season, window, labels, fields):
    """Sessions that visited, that had a cart and that ordered, by labels."""
    groups = defaultdict(lambda: {"visit": set(), "cart": set(), "order": set()})
    by_show = "event_id" in labels or "event_id" in fields
    for session, venue_id, shows, _, kind in naive.deeds(season, *window):
        if fields.get("venue_id", venue_id) != venue_id:
            continue
        for show_id in shows if by_show else {None}:
            if by_show and fields.get("event_id", show_id) != show_id:
                continue
            values = {"venue_id": str(venue_id), "event_id": str(show_id)}
            group = groups[tuple(sorted((label, values[label]) for label in labels))]
            group["order" if kind == "order" else "visit"].add(session)
            if kind == "cart":
                group["cart"].add(session)
    return groups


def visit_figure(name, found):
    visited, carts, ordered = found["visit"], found["cart"], found["order"]
    if name == "visitor_count":
        return len(visited), len(visited)
    if name == "conversion_ratio":
        return len(ordered) / len(visited | ordered), len(visited | ordered)
    return (len(carts - ordered) / len(carts) if carts else None), len(carts)


SHOW_LABELS = {"venue_id": lambda show: str(show.venue_id), "event_id": lambda show: str(show.id)}
SHOW_GROUPINGS = [[], ["venue_id"], ["event_id"], ["event_id", "venue_id"]]


def show_cases(season, ends):
    show = list(season.shows.values())[-3]
    filters = [
        ({}, lambda one: True),
        ({"venue_id": str(show.venue_id)}, lambda one: one.venue_id == show.venue_id),
        ({"event_id": str(show.id)}, lambda one: one.id == show.id),
    ]
    return list(product(ends, filters, SHOW_GROUPINGS))


def in_question(season, fields, is_wanted, end):
    """Shows asked about: the one named, or those that are not over a day after their start."""
    return [
        show
        for show in season.shows.values()
        if is_wanted(show) and ("event_id" in fields or show.starts_at + timedelta(days=1) > end)
    ]


async def test_stocks_at_the_end_of_a_window(season, books, service):
    ends = [season.now, season.now - timedelta(days=11, seconds=7), season.now - timedelta(days=100)]
    names = ["sell_through_ratio", "available_ticket_count"]
    cases = list(product(show_cases(season, ends), names))

    results = await ask(
        service,
        [
            query(name, (end - timedelta(hours=1), end), group_by=labels, **fields)
            for (end, (fields, _), labels), name in cases
        ],
    )

    for ((end, (fields, is_wanted), labels), name), result in zip(cases, results, strict=True):
        expected = {}
        for key, shows in grouped(
            in_question(season, fields, is_wanted, end), labels, lambda show, label: SHOW_LABELS[label](show)
        ).items():
            ids = {show.id for show in shows}
            sold = sum(
                line.tickets - line.returned
                for line in books
                if line.show_id in ids and line.order.sold_at < end
            )
            total = sum(show.capacity for show in shows)
            held = sum(kind.held for show in shows for kind in show.types)
            value = sold / total if name == "sell_through_ratio" else max(0, total - held - sold)
            expected[key, ""] = (value, sold)
        assert values_of(result) == close(expected)


@pytest.mark.parametrize("time_zone", ZONES)
async def test_scans_and_resales(season, books, service, time_zone):
    spans = windows(season, ZoneInfo(time_zone))
    names = ["scan_count", "scan_ratio", "resale_count", "resale_price_ratio"]
    cases = list(product(show_cases(season, spans), names))

    results = await ask(
        service,
        [query(name, window, group_by=labels, **fields) for (window, (fields, _), labels), name in cases],
    )

    admitted, resold = defaultdict(list), defaultdict(list)
    for (_, _, show_id), at in naive.admissions(season).items():
        admitted[show_id].append(at)
    for one in season.resales:
        resold[one.show_id].append(one)
    for ((window, (_, is_wanted), labels), name), result in zip(cases, results, strict=True):
        shows = [show for show in season.shows.values() if is_wanted(show)]
        expected = {}
        for key, own in grouped(shows, labels, lambda show, label: SHOW_LABELS[label](show)).items():
            figure = scan_figure if name.startswith("scan") else resale_figure
            value, count, has_any = figure(name, own, window, admitted, resold, books)
            if has_any:
                expected[key, ""] = (value, count)
        assert values_of(result) == close(expected)


def scan_figure(name, shows, window, admitted, _resold, books):
    counts = {show.id: sum(window[0] <= at < window[1] for at in admitted[show.id]) for show in shows}
    ids = {show_id for show_id, count in counts.items() if count}
    count = sum(counts.values())
    if name == "scan_count":
        return count, count, bool(ids)
    sold = sum(
        line.tickets - line.returned
        for line in books
        if line.show_id in ids and line.order.sold_at < window[1]
    )
    return (count / sold if sold else None), count, bool(ids)


def resale_figure(name, shows, window, _admitted, resold, _books):
    own = [one for show in shows for one in resold[show.id] if window[0] <= one.at < window[1]]
    if name == "resale_count":
        return len(own), len(own), bool(own)
    ratios = [one.price / one.face for one in own if one.face]
    return (float(median(ratios)) if ratios else None), len(ratios), bool(own)
