"""What a log of events says about the secondary market, recomputed in the most naive way."""

from collections import defaultdict
from datetime import UTC, datetime
from statistics import median


def market(log, start, end, *, venues=None, show=None):
    """The answer's figures by (show, currency), and by (None, currency) for all; money in minor units."""
    listed = [max(told, key=_revision) for told in _listings(log) if start <= _first_offer(told) < end]
    offered = [for_sale(log, told[0].ticket_listed.listing_id, end) for told in _listings(log)]
    resold = [event for event in _once(log, "ticket.resold") if start <= _moment(event) < end]
    found = defaultdict(lambda: {"listed": [], "offered": [], "resold": []})
    for part, events in (("listed", listed), ("offered", offered), ("resold", resold)):
        for event in events:
            if event is not None and _wanted(event, venues, show):
                for key in _keys(_payload(event)):
                    found[key][part].append(_payload(event))
    return {key: _figures(**parts) for key, parts in found.items()}


def for_sale(log, listing_id, at):
    """The statement on whose terms a listing is for sale after what happened before the instant, or None."""
    before = [event for event in log if _moment(event) < at]
    told = [event for event in before if event.ticket_listed.listing_id == listing_id]
    sold = any(event.ticket_resold.listing_id == listing_id for event in before)
    newest = max(told, key=_revision, default=None)
    return None if newest is None or sold or newest.ticket_listed.status == "withdrawn" else newest


def newest(log, before):
    """Time of the latest listing or resale before an instant, or None."""
    kinds = ("ticket.listed", "ticket.resold")
    return max((_moment(one) for one in log if one.type in kinds and _moment(one) < before), default=None)


def _listings(log):
    of_listing = defaultdict(list)
    for event in _once(log, "ticket.listed"):
        of_listing[event.ticket_listed.listing_id].append(event)
    return of_listing.values()


def _once(log, kind):
    return {event.event_id: event for event in log if event.type == kind}.values()


def _first_offer(told):
    offers = [_moment(event) for event in told if event.ticket_listed.status == "active"]
    return min(offers, default=datetime.max.replace(tzinfo=UTC))


def _wanted(event, venues, show):
    at_venue = venues is None or event.venue_id in {str(venue) for venue in venues}
    return at_venue and (show is None or _payload(event).event_id == str(show))


def _payload(event):
    return getattr(event, event.WhichOneof("payload"))


def _keys(payload):
    return [(None, payload.price.currency), (payload.event_id, payload.price.currency)]


def _figures(listed, offered, resold):
    prices = [resale.price.amount_minor for resale in resold]
    known, asked = _ratios(resold), _ratios(offered)
    return {
        "new_listing_count": len(listed),
        "active_listing_count": len(offered),
        "resale_count": len(prices),
        "resale_minor": sum(prices),
        "average_minor": round(sum(prices) / len(prices)) if prices else None,
        "royalty_minor": sum(resale.royalty.amount_minor for resale in resold),
        "median_resale_ratio": median(known) if known else None,
        "median_listing_ratio": median(asked) if asked else None,
        "above_face_ratio": sum(ratio > 1 for ratio in known) / len(known) if known else None,
    }


def _ratios(payloads):
    return [
        one.price.amount_minor / one.face_value.amount_minor
        for one in payloads
        if one.face_value.amount_minor
    ]


def _revision(event):
    return event.version, _moment(event), event.event_id


def _moment(event):
    return event.occurred_at.ToDatetime(tzinfo=UTC)
