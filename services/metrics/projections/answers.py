"""Projections as answers of the contract, calculated once for a history and cached under its hash."""

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from tickettoken.metrics.v1 import projections_pb2

from libs.common.cache.cache import Cache
from libs.common.cache.lifetimes import PROJECTIONS
from libs.common.context import TenantScope
from libs.common.errors import NotEnoughHistory
from libs.common.moments import timestamp_of
from services.metrics.projections.asking import question
from services.metrics.projections.calculator import Calculator
from services.metrics.projections.history import Histories, History
from services.metrics.projections.mapping import projection_message

LEAST_HISTORY: Final = 28
"""Days from the first sale to yesterday without which a currency is not projected."""


class Projections:
    """Revenue to expect, for callers; the history is read for each, so what they may see is always checked.

    Args:
        histories: Reads histories.
        calculator: Calculates.
        cache: Keeps what was calculated.
        now: The time, UTC.
    """

    def __init__(
        self,
        histories: Histories,
        calculator: Calculator,
        cache: Cache,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._histories = histories
        self._calculator = calculator
        self._cache = cache
        self._now = now

    async def project(
        self, scope: TenantScope, venue_id: UUID | None, days: int
    ) -> projections_pb2.GetRevenueProjectionsResponse:
        """Daily net revenue of each currency from tomorrow on.

        Raises:
            VenueNotFound: The scope has no such venue.
            NotEnoughHistory: No currency has four weeks.
            ProjectionsBusy: Too many others wait for theirs.
        """
        history = await self._histories.read(scope, venue_id, self._now())
        ready, short = _sorted_out(history)
        if not ready:
            raise NotEnoughHistory(
                "no currency has 4 weeks of sales up to yesterday", least_days=LEAST_HISTORY
            )

        async def compute() -> bytes:
            return (await self._computed(scope, venue_id, history, ready, days)).SerializeToString()

        answer = await self._cache.get_or_compute(
            PROJECTIONS.namespace, f"{venue_id}/{days}/{_digest(history)}", PROJECTIONS.ttl, compute
        )
        response = projections_pb2.GetRevenueProjectionsResponse.FromString(answer)
        response.MergeFrom(
            projections_pb2.GetRevenueProjectionsResponse(
                currencies_without_history=short,
                time_zone=history.time_zone,
                as_of=timestamp_of(history.as_of),
            )
        )
        return response

    async def _computed(
        self, scope: TenantScope, venue_id: UUID | None, history: History, currencies: list[str], days: int
    ) -> projections_pb2.GetRevenueProjectionsResponse:
        sold = await self._histories.sales_of_shows(scope, venue_id, history)
        response = projections_pb2.GetRevenueProjectionsResponse()
        for currency in currencies:
            asked = question(history, currency, sold, days)
            answer = await self._calculator.ask(asked)
            response.projections.append(projection_message(history, currency, asked, answer))
        return response


def _sorted_out(history: History) -> tuple[list[str], list[str]]:
    """Currencies with enough history, and those without."""
    ready: list[str] = []
    short: list[str] = []
    for currency in sorted(history.net):
        enough = history.day_count - history.first_day(currency) >= LEAST_HISTORY
        (ready if enough else short).append(currency)
    return ready, short


def _digest(history: History) -> str:
    """Hash of all that a projection is made from; today's sales are not."""
    past = {
        currency: [(day, net) for day, net in sorted(days.items()) if day < history.day_count]
        for currency, days in sorted(history.net.items())
    }
    return sha256(repr((history.time_zone, history.today, past, history.shows)).encode()).hexdigest()
