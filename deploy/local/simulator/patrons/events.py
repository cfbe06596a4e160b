"""What happened at a house as platform events; nothing of its truth is among them."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from deploy.local.simulator.envelopes import envelope
from deploy.local.simulator.events import Pending, customer_registered, timeline
from deploy.local.simulator.patrons.patronage import Patron, Patronage, Touch
from deploy.local.simulator.world import Ids

_BEFORE_THE_FIRST_PURCHASE = timedelta(minutes=7)


def patron_timeline(patronage: Patronage, campaign_ids: Mapping[UUID, str] | None = None) -> list[Pending]:
    """Every event of a house, by time of occurrence.

    Args:
        patronage: What was played.
        campaign_ids: Ids under which campaigns are known elsewhere, by their own; None: the same.
    """
    pending = list(_pending(patronage, campaign_ids or {}))
    pending.sort(key=lambda one: one.at)
    return pending


def _pending(patronage: Patronage, campaign_ids: Mapping[UUID, str]) -> Iterator[Pending]:
    ids = patronage.season.ids
    yield from timeline(patronage.season)
    for patron in patronage.patrons:
        at = patron.joined_at - _BEFORE_THE_FIRST_PURCHASE
        yield Pending(at, partial(patron_registered, ids, patron))
    for touch in patronage.touches:
        campaign_id = ""
        if touch.campaign is not None:
            campaign_id = campaign_ids.get(touch.campaign.id, str(touch.campaign.id))
        yield Pending(touch.at, partial(campaign_touchpoint, ids, touch, campaign_id))


def patron_registered(ids: Ids, patron: Patron) -> Event:
    """The registration, minutes before the first purchase."""
    at = patron.joined_at - _BEFORE_THE_FIRST_PURCHASE
    event = customer_registered(ids, patron.customer, at)
    profile = event.customer_registered.profile
    profile.email = patron.email
    profile.marketing_consent = patron.has_consented
    return event


def campaign_touchpoint(ids: Ids, touch: Touch, campaign_id: str) -> Event:
    """A contact; one that cost something says how much."""
    venue = touch.patron.customer.venue
    touch_id = ids.make("touch", touch.patron.customer.id, touch.number)
    event = envelope(ids, "campaign.touchpoint", touch_id, venue, touch.at)
    payload = event.campaign_touchpoint
    payload.campaign_id = campaign_id
    payload.channel = touch.channel.name
    payload.kind = touch.channel.kind
    payload.customer_id = str(touch.patron.customer.id)
    if touch.channel.cost_minor:
        payload.cost.amount_minor, payload.cost.currency = touch.channel.cost_minor, venue.currency
    return event
