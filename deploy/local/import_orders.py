"""Turns a purchase log into platform events: `python -m deploy.local import-orders FILE.csv`."""

import argparse
import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tickettoken.events.v1.envelope_pb2 import Event

from deploy.local.connection import StackConnection
from deploy.local.credentials import DEMO_TENANT
from deploy.local.data_folder import DataFolder
from deploy.local.errors import StackError
from deploy.local.purchase_log import BadPurchaseLog, Purchase, read_purchases
from deploy.local.simulator.emission import EmissionFailed, Emitter, Progress, gateway_channel, in_batches
from libs.common.money import exponent

PRODUCER = "import-orders"


class ImportFailed(StackError):
    """The file was not imported, or not wholly."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments beside `--data-dir`."""
    parser.add_argument("file", type=Path, help="CSV, plain or .gz: customer, date, quantity, amount")
    parser.add_argument("--tenant", type=UUID, default=DEMO_TENANT, help="tenant (the demo's)")
    parser.add_argument("--venue", type=UUID, help="venue that sold (one of its own for the file's name)")
    parser.add_argument("--currency", default="USD", help="currency of the amounts, ISO 4217 (USD)")
    parser.add_argument("--channel", default="import", help="sales channel to book under (import)")
    parser.add_argument("--time-zone", default="UTC", help="IANA zone of the venue and of the dates (UTC)")


def run(folder: DataFolder, options: argparse.Namespace) -> int:
    """Import a file into the running stack of a folder.

    Raises:
        NotRunning: No stack is ready there.
        ImportFailed: The file is no purchase log, or the gateway refused it.
    """
    connection = StackConnection.to(folder, tenant_id=options.tenant, subject=PRODUCER)
    try:
        purchases = list(_read(options))
        asyncio.run(_publish(connection, purchases, options))
    except (BadPurchaseLog, EmissionFailed, OSError) as error:
        raise ImportFailed(str(error)) from error
    return 0


def events_of(purchases: Sequence[Purchase], *, tenant_id: UUID, venue_id: UUID, channel: str) -> list[Event]:
    """One order.completed per purchase; the same file, tenant and venue give the same ids."""
    return [
        _order_completed(one, tenant_id=tenant_id, venue_id=venue_id, channel=channel) for one in purchases
    ]


def venue_updated(*, tenant_id: UUID, venue_id: UUID, name: str, currency: str, time_zone: str) -> Event:
    """The venue the orders are booked on."""
    identity = f"{name}|{currency}|{time_zone}"
    event = Event(
        event_id=str(uuid5(_root(tenant_id, venue_id), f"venue.updated|{identity}")),
        type="venue.updated",
        tenant_id=str(tenant_id),
        venue_id=str(venue_id),
        entity_id=str(venue_id),
        version=1,
        producer=PRODUCER,
    )
    event.occurred_at.FromDatetime(datetime.now(UTC))
    event.venue_updated.name = name
    event.venue_updated.currency = currency
    event.venue_updated.time_zone = time_zone
    return event


def _order_completed(one: Purchase, *, tenant_id: UUID, venue_id: UUID, channel: str) -> Event:
    root = _root(tenant_id, venue_id)
    order_id = str(uuid5(root, f"order|{one.identity}"))
    event = Event(
        event_id=str(uuid5(root, f"order.completed|{one.identity}")),
        type="order.completed",
        tenant_id=str(tenant_id),
        venue_id=str(venue_id),
        entity_id=order_id,
        version=1,
        producer=PRODUCER,
    )
    event.occurred_at.FromDatetime(one.purchased_at.astimezone(UTC))
    order = event.order_completed
    order.order_id = order_id
    order.customer_id = str(uuid5(_customers(tenant_id), one.customer))
    order.channel = channel
    order.currency = one.amount.currency
    # The amount is for all items together and need not divide evenly: gross has the last word.
    order.lines.add(quantity=one.quantity, unit_price_minor=one.amount.amount_minor // one.quantity)
    order.gross.amount_minor = one.amount.amount_minor
    order.gross.currency = one.amount.currency
    return event


def _read(options: argparse.Namespace) -> Sequence[Purchase]:
    try:
        zone = ZoneInfo(options.time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadPurchaseLog(f"--time-zone {options.time_zone}: no such zone") from error
    purchases = list(read_purchases(options.file, currency=options.currency, zone=zone))
    if not purchases:
        raise BadPurchaseLog(f"{options.file}: no purchase in it")
    return purchases


async def _publish(
    connection: StackConnection, purchases: Sequence[Purchase], options: argparse.Namespace
) -> None:
    venue_id = options.venue or uuid5(_customers(options.tenant), f"venue|{options.file.name}")
    venue = venue_updated(
        tenant_id=options.tenant,
        venue_id=venue_id,
        name=options.file.name.partition(".")[0],
        currency=options.currency,
        time_zone=options.time_zone,
    )
    orders = events_of(purchases, tenant_id=options.tenant, venue_id=venue_id, channel=options.channel)
    progress = Progress(len(orders), "import")
    async with gateway_channel(connection.gateway_url) as channel:
        emitter = Emitter(channel, lambda: connection.token)
        await emitter.send([venue])  # before its orders, so that their days are cut in its zone at once
        tally = await emitter.emit(in_batches(orders), progress=progress)
    progress.close()
    print(_report(purchases, venue_id, connection, str(tally)))
    if tally.rejected:
        raise EmissionFailed(f"{tally.rejected:,} events were refused: {tally}")


def _report(purchases: Sequence[Purchase], venue_id: UUID, connection: StackConnection, tally: str) -> str:
    currency = purchases[0].amount.currency
    total = sum((one.amount.as_decimal() for one in purchases), Decimal(0))
    first = min(one.purchased_at for one in purchases).date()
    after = max(one.purchased_at for one in purchases).date() + timedelta(days=1)
    query = f"venueId={venue_id}&startDate={first}T00:00:00Z&endDate={after}T00:00:00Z"
    url = f"{connection.gateway_url}/api/analytics/revenue/summary?{query}"
    lines = (
        f"{len(purchases):,} orders, {total:,.{exponent(currency)}f} {currency}",
        f"gateway: {tally} (the venue included)",
        f"venue:   {venue_id}",
        f"check:   curl -s '{url}' -H \"authorization: Bearer $TOKEN\"",
    )
    return "\n".join(lines)


def _root(tenant_id: UUID, venue_id: UUID) -> UUID:
    return uuid5(NAMESPACE_URL, f"urn:tickettoken:import:{tenant_id}:{venue_id}")


def _customers(tenant_id: UUID) -> UUID:
    """Customers are the tenant's: the same customer in another file is the same person."""
    return uuid5(NAMESPACE_URL, f"urn:tickettoken:import:{tenant_id}")
