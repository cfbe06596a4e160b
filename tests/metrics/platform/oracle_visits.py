"""What a log of events says about sessions, recomputed in the most naive way."""

from collections import defaultdict
from datetime import UTC
from itertools import pairwise
from statistics import median

from tests.metrics.platform.oracle import standing

STEPS = ("visit", "event_page", "cart", "checkout", "order", "scan")


def visits(log):
    """(moment, venue, session, step, shows) of every page view, cart and checkout."""
    found = []
    for event in {event.event_id: event for event in log}.values():
        said = getattr(event, event.WhichOneof("payload"))
        if event.type == "page.viewed":
            step, shows = ("event_page" if said.event_id else "visit"), {said.event_id}
        elif event.type == "cart.updated":
            step, shows = "cart", {line.event_id for line in said.lines}
        elif event.type == "checkout.started":
            step, shows = "checkout", {said.event_id}
        else:
            continue
        found.append((moment(event), event.venue_id, said.session_id, step, shows - {""}))
    return found


def orders(log, start, end, venues, shows=()):
    """(moment, order, session) of the orders that stand."""
    found = []
    for sale, _ in standing(log):
        said = sale.order_completed
        its_shows = {line.event_id or said.event_id for line in said.lines}
        if start <= moment(sale) < end and sale.venue_id in texts(venues) and among(its_shows, shows):
            found.append((moment(sale), said.order_id, said.session_id))
    return found


def admissions(log, start, end, venues, show=None):
    """(moment, order) of each ticket's first admission."""
    first = {}
    for event in sorted(log, key=moment):
        if event.type == "ticket.scanned" and event.ticket_scanned.result in {"admitted", "readmitted"}:
            first.setdefault(event.ticket_scanned.ticket_id, event)
    return [
        (moment(event), event.ticket_scanned.order_id)
        for event in first.values()
        if start <= moment(event) < end
        and event.venue_id in texts(venues)
        and among({event.ticket_scanned.event_id}, [show] if show else [])
    ]


def arrivals(log, start, end, venues, show=None):
    """{session: {step: moments}} of the sessions that take part."""
    shows = [show] if show else []
    arrived = defaultdict(lambda: defaultdict(list))
    for at, venue, session, step, its_shows in visits(log):
        if start <= at < end and venue in texts(venues) and among(its_shows, shows):
            arrived[session]["visit"].append(at)
            arrived[session][step].append(at)
    for at, _, session in orders(log, start, end, venues, shows):
        if session:
            arrived[session]["order"].append(at)
    sales = {sale.order_completed.order_id: sale for sale, _ in standing(log)}
    for at, order in admissions(log, start, end, venues, show):
        sale = sales.get(order)
        if sale and sale.order_completed.session_id in arrived and sale.venue_id in texts(venues):
            arrived[sale.order_completed.session_id]["scan"].append(at)
    return arrived


def funnel(log, start, end, venues, show=None):
    """Counts by step, medians by step, sessions that ordered, orders without a session, newest fact."""
    arrived = arrivals(log, start, end, venues, show)
    nearest = 1 if show else 0
    furthest = [max(nearest, *map(STEPS.index, own)) for own in arrived.values()]
    counts = [sum(step >= at for step in furthest) for at in range(len(STEPS))]
    medians = []
    for before, after in pairwise(STEPS):
        seen = [own for own in arrived.values() if own.keys() >= {before, after}]
        times = [(min(own[after]) - min(own[before])).total_seconds() for own in seen]
        times = [seconds for seconds in times if seconds >= 0]
        medians.append(median(times) if times else None)
    ordering = sum("order" in own for own in arrived.values())
    sold = orders(log, start, end, venues, [show] if show else [])
    newest = max((at for own in arrived.values() for times in own.values() for at in times), default=None)
    return counts, medians, ordering, sum(not session for *_, session in sold), newest


def counts(log, edges, venues, shows=()):
    """(place, visitors, ordering sessions, sessions, sessions with a cart, newest fact) of every bucket."""
    rows = []
    for place, (start, end) in enumerate(pairwise(edges)):
        here = [
            (at, session, step)
            for at, venue, session, step, its_shows in visits(log)
            if start <= at < end and venue in texts(venues) and among(its_shows, shows)
        ]
        bought = [(at, own) for at, _, own in orders(log, start, end, venues, shows) if own]
        visitors, buyers = {session for _, session, _ in here}, {session for _, session in bought}
        carts = {session for _, session, step in here if step == "cart"}
        newest = max((at for at, *_ in [*here, *bought]), default=None)
        if newest is not None:
            rows.append((place, len(visitors), len(buyers), len(visitors | buyers), len(carts), newest))
    return rows


def active(log, venue, since):
    """Sessions, the latest first: id, page, show, device, start, last seen, views, furthest step."""
    seen = defaultdict(list)
    for event in {event.event_id: event for event in log}.values():
        for at, its_venue, session, step, _ in visits([event]):
            if its_venue == str(venue):
                seen[session].append((at, event.event_id, STEPS.index(step), event))
    buyers = {sale.order_completed.session_id for sale, _ in standing(log) if sale.venue_id == str(venue)}
    rows = []
    for session, facts in seen.items():
        views = sorted((at, fact_id, event) for at, fact_id, _, event in facts if event.type == "page.viewed")
        last = views[-1][2].page_viewed if views else None
        step = STEPS[4 if session in buyers else max(step for _, _, step, _ in facts)]
        page, show = (last.page, last.event_id) if last else ("", "")
        device = (last.device_class if last else "") or "other"
        start, end = min(at for at, *_ in facts), max(at for at, *_ in facts)
        if end >= since:
            rows.append((session, page, show, device, start, end, len(views), step))
    return sorted(rows, key=lambda row: (row[5], row[0]), reverse=True)


def among(its_shows, shows):
    return not shows or bool(its_shows & texts(shows))


def texts(ids):
    return {str(one) for one in ids}


def moment(event):
    return event.occurred_at.ToDatetime(tzinfo=UTC)
