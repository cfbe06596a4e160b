"""Ticket types that sell a smaller part of their show's tickets since their price rose."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from services.customers.insights.facts import ListPrice, TypeSales, VenueFacts
from services.customers.insights.findings import Candidate, Evidence
from services.customers.insights.proportions import Comparison, Group, compare
from services.customers.insights.vocabulary import InsightType, Priority

_SPAN: Final = timedelta(days=14)
_LEAST_AFTER: Final = timedelta(days=5)
_LEAST_RISE: Final = 1.03
_LEAST_CHANGE: Final = 0.2
_GRAVE_FALL: Final = -0.5
_LIFETIME: Final = timedelta(days=14)
_MOST_RISES: Final = 50


class Rise(NamedTuple):
    """A type that sold at `old_minor` at most before a day and at `new_minor` at least from then on."""

    event_id: UUID
    ticket_type_id: UUID
    day: date
    old_minor: int
    new_minor: int


def candidates(facts: VenueFacts) -> list[Candidate]:
    """One test a price rise of the last 4 weeks, the latest 50 of them.

    The type's share of the tickets that its show sold in up to 14 days from the rise is held against that of
    the 14 days before. The show's other types stand for everything else that moved its sales, such as the
    coming doors; shows with one type have no such comparison.
    """
    by_show: defaultdict[UUID, list[TypeSales]] = defaultdict(list)
    for sales in facts.type_sales:
        by_show[sales.event_id].append(sales)
    rises = sorted(
        (rise for sold in by_show.values() for rise in _rises(sold, facts.list_prices, facts.end)),
        key=lambda rise: (rise.day, rise.ticket_type_id),
        reverse=True,
    )
    found = []
    for rise in rises[:_MOST_RISES]:
        compared = compare(*_shares(rise, by_show[rise.event_id], facts.end), "less")
        if compared is not None:
            found.append(_candidate(facts, rise, compared))
    return found


def _rises(sold: Sequence[TypeSales], prices: Mapping[UUID, ListPrice], end: date) -> list[Rise]:
    """The latest rise of each type of a show, if it is old enough to tell and not older than 4 weeks."""
    by_type: defaultdict[UUID, list[TypeSales]] = defaultdict(list)
    for each in sold:
        by_type[each.ticket_type_id].append(each)
    found = []
    for ticket_type_id, sales in by_type.items():
        listed = prices.get(ticket_type_id)
        days = {each.day for each in sales} | ({listed.since} if listed is not None else set())
        for day in sorted(days, reverse=True):
            if not end - 2 * _SPAN <= day <= end - _LEAST_AFTER:
                continue
            rise = _rise_on(day, sales, listed)
            if rise is not None:
                found.append(rise)
                break
    return found


def _rise_on(day: date, sales: Sequence[TypeSales], listed: ListPrice | None) -> Rise | None:
    before = [each.unit_minor for each in sales if day - _SPAN <= each.day < day]
    after = [each.unit_minor for each in sales if day <= each.day < day + _SPAN]
    if not after and listed is not None and listed.since == day:
        after = [listed.unit_minor]  # nothing was sold at the new price: the strongest resistance there is
    if not before or not after or min(after) < _LEAST_RISE * max(before):
        return None
    return Rise(sales[0].event_id, sales[0].ticket_type_id, day, max(before), min(after))


def _shares(rise: Rise, sold: Sequence[TypeSales], end: date) -> tuple[list[Group], list[Group]]:
    """Tickets of the type among those of the show, day by day before and after."""
    days: defaultdict[date, list[int]] = defaultdict(lambda: [0, 0])
    for sales in sold:
        tickets = days[sales.day]
        tickets[1] += sales.ticket_count
        if sales.ticket_type_id == rise.ticket_type_id:
            tickets[0] += sales.ticket_count
    before = [Group(*days[day]) for day in sorted(days) if rise.day - _SPAN <= day < rise.day]
    after = [Group(*days[day]) for day in sorted(days) if rise.day <= day < min(rise.day + _SPAN, end)]
    return before, after


def _candidate(facts: VenueFacts, rise: Rise, compared: Comparison) -> Candidate:
    evidence = Evidence(
        measure="ticket_share_ratio",
        value=compared.after,
        comparison_value=compared.before,
        window=facts.window(rise.day, min(rise.day + _SPAN, facts.end)),
        comparison_window=facts.window(rise.day - _SPAN, rise.day),
        sample_count=compared.after_trials,
        comparison_count=compared.before_trials,
        p_value=compared.p_value,
        test="two_proportions",
    )
    change = evidence.relative_change or 0.0
    rose = rise.new_minor / rise.old_minor - 1 if rise.old_minor else 1.0
    return Candidate(
        type=InsightType.PRICE_RESISTANCE,
        subject=str(rise.ticket_type_id),
        priority=Priority.HIGH if change <= _GRAVE_FALL else Priority.MEDIUM,
        title=f"A ticket type sells less since its price rose by {rose:.0%}",
        description=(
            f"Since {rise.day.isoformat()} it makes {compared.after:.1%} of its show's tickets, against "
            f"{compared.before:.1%} in the 14 days before; the show's other types are the comparison."
        ),
        suggested_action="review_price",
        evidence=evidence,
        expires_at=facts.made_at + _LIFETIME,
        is_material=change <= -_LEAST_CHANGE,
    )
