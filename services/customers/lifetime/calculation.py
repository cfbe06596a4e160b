"""A whole run of a tenant: fits of the tenant and of each venue, and the values of their customers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np

from services.customers.lifetime.accounts import Place
from services.customers.lifetime.copy_file import EPOCH_US
from services.customers.lifetime.copy_format import Column, written_rows
from services.customers.lifetime.figures import figures
from services.customers.lifetime.places import Located
from services.customers.lifetime.purchases import Customers, Purchases
from services.customers.lifetime.training import Trained, trained
from services.customers.lifetime.valuing import AccountValues, account_values, stored_terms
from services.customers.models.process import Progress


@dataclass(frozen=True, slots=True, eq=False)
class PlaceResult:
    """What a run says of a venue, or of the tenant."""

    venue_id: UUID
    place: Place
    fits: Trained
    values: AccountValues
    figures: dict[str, Any]
    first_day: date
    last_day: date
    newest: int
    """Microseconds of the newest fact."""


def calculated(
    purchases: Purchases,
    places: Iterator[Located],
    tell: Progress,
    *,
    horizon_days: int,
    least_repeaters: int,
) -> Iterator[PlaceResult]:
    """The tenant first, then each venue with a purchase.

    Args:
        purchases: The tenant's.
        places: What they say of each place, in this order.
        tell: Hears of the progress.
        horizon_days: How far values look ahead.
        least_repeaters: Without so many customers who bought again a venue is served by the tenant's fit.
    """
    tell("reading local days", 0.05)
    first = next(places, None)
    if first is None:
        return
    tell("fitting the tenant", 0.1)
    whole = trained(first.venue_id, first.place, purchases.currencies, end=first.end)
    tell("valuing customers", 0.35)
    result = _result(purchases, first, whole, horizon_days)
    yield result
    for found in places:
        tell("fitting the venues", 0.5 + 0.4 * found.share)
        if found.place is first.place:
            yield _of_the_only_venue(result, found.venue_id, least_repeaters)
            continue
        fits = trained(
            found.venue_id,
            found.place,
            purchases.currencies,
            end=found.end,
            whole=whole,
            least_repeaters=least_repeaters,
        )
        yield _result(purchases, found, fits, horizon_days)


def _result(purchases: Purchases, found: Located, fits: Trained, horizon_days: int) -> PlaceResult:
    values = account_values(found.place, fits, stored_terms(horizon_days))
    entry = fits.entries[0]
    return PlaceResult(
        fits.venue_id,
        found.place,
        fits,
        values,
        figures(found.place.accounts, values, purchases.currencies),
        entry.first_day,
        entry.last_day,
        int(purchases.newest[found.rows].max()),
    )


def _of_the_only_venue(whole: PlaceResult, venue_id: UUID, least_repeaters: int) -> PlaceResult:
    """All purchases were made there, so its fit is the tenant's."""
    entries = tuple(
        replace(
            entry,
            venue_id=venue_id,
            fitted_on="venue" if entry.repeater_count >= least_repeaters else "tenant",
        )
        for entry in whole.fits.entries
    )
    return replace(whole, venue_id=venue_id, fits=replace(whole.fits, venue_id=venue_id, entries=entries))


def rows_of(result: PlaceResult, customers: Customers, currencies: Sequence[str]) -> Iterator[bytes]:
    """The place's values as rows of a COPY into the stage of a run."""
    accounts, values = result.place.accounts, result.values
    count = len(accounts)
    unknown, unvalued = np.isnan(values.purchases), np.isnan(values.expected)
    ids = np.empty((count, 2), ">u8")
    ids[:, 0], ids[:, 1] = customers.high[accounts.customer], customers.low[accounts.customer]
    codes = np.array([code.encode() for code in currencies], "S3")[accounts.currency]
    serving = result.fits.purchases
    name = b"-" if serving is None else serving.model.name.encode()
    expected = np.rint(np.where(unvalued, 0, values.expected))
    low = np.minimum(np.rint(np.where(unvalued, 0, values.low)), expected)
    high = np.maximum(np.rint(np.where(unvalued, 0, values.high)), expected)
    return written_rows(
        (
            Column(np.frombuffer(result.venue_id.bytes * count, "V16"), "V16"),
            Column(ids.view("V16")[:, 0], "V16"),
            Column(codes, "S3"),
            Column(accounts.is_main, "u1"),
            Column(accounts.purchase_count, ">i4"),
            Column(accounts.historic, ">i8"),
            Column(expected, ">i8", unvalued),
            Column(low, ">i8", unvalued),
            Column(high, ">i8", unvalued),
            Column(np.where(unknown, 0, values.purchases), ">f8", unknown),
            Column(np.where(unknown, 0, values.alive), ">f8", unknown),
            Column(np.full(count, name), f"S{len(name)}", unknown),
            Column(accounts.newest - EPOCH_US, ">i8"),
        )
    )
