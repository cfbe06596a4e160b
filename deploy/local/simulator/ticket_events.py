"""Facts about tickets as platform events."""

from tickettoken.events.v1.envelope_pb2 import Event

from deploy.local.simulator.envelopes import envelope
from deploy.local.simulator.facts import Listing, Resale, Scan, Transfer
from deploy.local.simulator.world import Ids


def ticket_scanned(ids: Ids, scan: Scan) -> Event:
    event = envelope(ids, "ticket.scanned", scan.ticket_id, scan.order.show.venue, scan.scanned_at)
    payload = event.ticket_scanned
    payload.ticket_id = str(scan.ticket_id)
    payload.event_id = str(scan.order.show.id)
    payload.ticket_type_id = str(scan.ticket_type.id)
    payload.order_id = str(scan.order.id)
    payload.customer_id = str(scan.order.customer.id)
    payload.gate = scan.gate
    payload.result = scan.result
    return event


def ticket_transferred(ids: Ids, transfer: Transfer) -> Event:
    venue = transfer.order.show.venue
    event = envelope(ids, "ticket.transferred", transfer.ticket_id, venue, transfer.transferred_at)
    event.ticket_transferred.ticket_id = str(transfer.ticket_id)
    event.ticket_transferred.event_id = str(transfer.order.show.id)
    event.ticket_transferred.from_customer_id = str(transfer.order.customer.id)
    return event


def ticket_listed(ids: Ids, listing: Listing) -> Event:
    venue = listing.order.show.venue
    about = ids.make("listed", listing.id, listing.version)
    event = envelope(ids, "ticket.listed", about, venue, listing.listed_at)
    event.entity_id, event.version = str(listing.id), listing.version
    payload = event.ticket_listed
    payload.listing_id, payload.ticket_id = str(listing.id), str(listing.ticket_id)
    payload.event_id, payload.ticket_type_id = str(listing.order.show.id), str(listing.ticket_type.id)
    payload.seller_customer_id = str(listing.order.customer.id)
    payload.price.amount_minor, payload.price.currency = listing.price_minor, venue.currency
    payload.face_value.amount_minor = listing.ticket_type.price_minor
    payload.face_value.currency = venue.currency
    payload.status = listing.status
    return event


def ticket_resold(ids: Ids, resale: Resale) -> Event:
    venue = resale.order.show.venue
    event = envelope(ids, "ticket.resold", resale.ticket_id, venue, resale.resold_at)
    payload = event.ticket_resold
    payload.ticket_id, payload.listing_id = str(resale.ticket_id), str(resale.listing_id)
    payload.event_id, payload.ticket_type_id = str(resale.order.show.id), str(resale.ticket_type.id)
    payload.seller_customer_id = str(resale.order.customer.id)
    payload.price.amount_minor, payload.price.currency = resale.price_minor, venue.currency
    payload.face_value.amount_minor = resale.ticket_type.price_minor
    payload.face_value.currency = venue.currency
    payload.royalty.amount_minor, payload.royalty.currency = resale.royalty_minor, venue.currency
    return event
