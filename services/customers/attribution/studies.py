"""Use cases behind every answer: collect the facts of a question, and have them calculated in turn."""

from typing import Any
from uuid import UUID

from libs.common.context import TenantScope
from services.customers.attribution.calculator import Calculator
from services.customers.attribution.collecting import Collecting
from services.customers.attribution.facts import Facts
from services.customers.attribution.questions import Division, period_of
from services.customers.campaigns.campaign import Campaign
from services.customers.touchpoints.reader import TouchpointReader


class Studies:
    """Answers of `study`, each about the facts of a venue.

    Raises:
        TooFewPaths: Any method: a data-driven model and fewer than 100 journeys.
        TooManyTouchpoints: There are more facts than are read at once.
        AttributionBusy: Too many questions wait already.
        DependencyUnavailable: MongoDB is not reachable.
    """

    def __init__(self, touchpoints: TouchpointReader, collecting: Collecting, calculator: Calculator) -> None:
        self._touchpoints = touchpoints
        self._collecting = collecting
        self._calculator = calculator

    async def period(self, campaign: Campaign, window: int) -> range | None:
        """Every instant at which a purchase may be due to the campaign; None when nobody met it."""
        span = await self._touchpoints.span(campaign.venue_id, campaign.campaign_id)
        return period_of(campaign, span, window)

    async def credits(self, scope: TenantScope, campaign: Campaign, division: Division) -> dict[str, Any]:
        """What the campaign and everybody else are credited with, in the campaign's `period` (or None)."""
        async with self._calculator.turn():
            period = await self.period(campaign, division.window)
            facts = Facts()
            if period is not None:
                facts = await self._collecting.facts(
                    scope, campaign.venue_id, period, division.window, campaign.campaign_id
                )
            answer = await self._calculator.ask(facts, _asked("credits", period or range(0), division))
        return answer | {"period": None if period is None else [period.start, period.stop]}

    async def channels(
        self, scope: TenantScope, venue_id: UUID, period: range, division: Division
    ) -> dict[str, Any]:
        """How the venue's channels did in a period."""
        async with self._calculator.turn():
            facts = await self._collecting.facts(scope, venue_id, period, division.window, None)
            return await self._calculator.ask(facts, _asked("channels", period, division))

    async def days(
        self, scope: TenantScope, campaign: Campaign, period: range, division: Division, edges: list[int]
    ) -> dict[str, Any]:
        """What the campaign reached and brought in a period, by the days between the edges (microseconds)."""
        async with self._calculator.turn():
            facts = await self._collecting.facts(
                scope, campaign.venue_id, period, division.window, campaign.campaign_id
            )
            question = _asked("days", period, division) | {"edges": edges}
            return await self._calculator.ask(facts, question)


def _asked(kind: str, period: range, division: Division) -> dict[str, Any]:
    return {
        "kind": kind,
        "period": [period.start, period.stop],
        "window": division.window,
        "model": division.model,
    }
