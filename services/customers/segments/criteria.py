"""Conditions on customers as the closed set of bounds that one statement takes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from tickettoken.customers.v1 import segments_pb2

from libs.common.errors import FieldViolation, InvalidField
from services.customers.rfm.segments import SEGMENTS, Status, status

_NUMBERS: Final = ("recency_days", "order_count", "spend_minor", "churn", "clv")
_WORDS: Final = ("segment", "status", "currency")
_VOCABULARIES: Final = {
    "segment": frozenset(one.value for one in SEGMENTS),
    "status": frozenset(one.value for one in Status),
}


@dataclass(slots=True)
class Range:
    """Numbers from `least` to `most`, both included."""

    least: float = -math.inf
    most: float = math.inf

    @property
    def is_asked(self) -> bool:
        return (self.least, self.most) != (-math.inf, math.inf)

    def narrow(self, operator: str, number: float) -> None:
        if operator in {"=", ">="}:
            self.least = max(self.least, number)
        if operator in {"=", "<="}:
            self.most = min(self.most, number)
        if operator == ">":
            self.least = max(self.least, math.nextafter(number, math.inf))
        if operator == "<":
            self.most = min(self.most, math.nextafter(number, -math.inf))


@dataclass(slots=True)
class Criteria:
    """What makes a member; None asks nothing.

    Attributes:
        ranges: By field that is a number.
        cells: Segment and monetary score, such as "champions5", that are allowed.
        currencies: Main currencies that are allowed.
        consents: What the marketing consent has to be; one that was never asked for is none.
    """

    ranges: dict[str, Range] = field(default_factory=lambda: {name: Range() for name in _NUMBERS})
    cells: set[str] | None = None
    currencies: set[str] | None = None
    other_currencies: set[str] = field(default_factory=set)
    consents: bool | None = None

    @property
    def binds(self) -> tuple[object, ...]:
        """The parameters of the statement that finds members, from its fifth on."""
        bounds = [bound for name in _NUMBERS for bound in (self.ranges[name].least, self.ranges[name].most)]
        return (
            *bounds,
            self.ranges["churn"].is_asked,
            self.ranges["clv"].is_asked,
            _sorted(self.cells),
            _sorted(self.currencies),
            sorted(self.other_currencies),
            self.consents,
        )


def criteria_of(predicate: segments_pb2.SegmentPredicate) -> Criteria:
    """The bounds of a predicate; it asks nothing that is personal data, as who is a member would tell it.

    Raises:
        InvalidField: Conditions whose field, operator and value do not go together, or that nobody can fulfil
            together; each is named by its place.
    """
    violations = []
    criteria = Criteria()
    for place, condition in enumerate(predicate.conditions):
        problem = _problem(condition)
        if problem is not None:
            name, description = problem
            violations.append(FieldViolation(f"predicate.conditions[{place}].{name}", description))
        else:
            _TAKES[condition.field](criteria, condition)
    if not violations and any(bounds.least > bounds.most for bounds in criteria.ranges.values()):
        violations.append(FieldViolation("predicate.conditions", "no number fulfils all of them"))
    if violations:
        raise InvalidField(
            "; ".join(f"{one.field}: {one.description}" for one in violations), violations=violations
        )
    return criteria


def _problem(condition: segments_pb2.SegmentCondition) -> tuple[str, str] | None:
    """The field of a condition that does not go with the others, and why."""
    given = {
        "number": condition.HasField("number"),
        "values": bool(condition.values),
        "flag": condition.HasField("flag"),
    }
    if condition.field in _NUMBERS:
        wanted, operators = "number", {"<", "<=", "=", ">=", ">"}
    elif condition.field in _WORDS:
        wanted, operators = "values", {"in", "not_in"}
    else:
        wanted, operators = "flag", {"="}
    if condition.operator not in operators:
        return "operator", f"must be one of {', '.join(sorted(operators))} for {condition.field}"
    if not given[wanted]:
        return wanted, f"must be given for {condition.field}"
    if stranger := next((name for name, is_given in given.items() if is_given and name != wanted), None):
        return stranger, f"does not go with {condition.field}"
    known = _VOCABULARIES.get(condition.field)
    if known is not None and not known.issuperset(condition.values):
        return "values", f"must be of {', '.join(sorted(known))}"
    return None


def _number(criteria: Criteria, condition: segments_pb2.SegmentCondition) -> None:
    criteria.ranges[condition.field].narrow(condition.operator, condition.number)


def _segment(criteria: Criteria, condition: segments_pb2.SegmentCondition) -> None:
    _narrow_cells(criteria, condition, [one.value for one, _ in _CELLS])


def _status(criteria: Criteria, condition: segments_pb2.SegmentCondition) -> None:
    _narrow_cells(criteria, condition, [status(*cell).value for cell in _CELLS])


def _narrow_cells(criteria: Criteria, condition: segments_pb2.SegmentCondition, words: Sequence[str]) -> None:
    wanted = condition.operator == "in"
    allowed = {
        f"{one.value}{monetary}"
        for (one, monetary), word in zip(_CELLS, words, strict=True)
        if (word in condition.values) == wanted
    }
    criteria.cells = allowed if criteria.cells is None else criteria.cells & allowed


def _currency(criteria: Criteria, condition: segments_pb2.SegmentCondition) -> None:
    values = set(condition.values)
    if condition.operator == "not_in":
        criteria.other_currencies |= values
    else:
        criteria.currencies = values if criteria.currencies is None else criteria.currencies & values


def _consent(criteria: Criteria, condition: segments_pb2.SegmentCondition) -> None:
    criteria.consents = condition.flag


def _sorted(words: set[str] | None) -> list[str] | None:
    return None if words is None else sorted(words)


_CELLS: Final = [(one, monetary) for one in SEGMENTS for monetary in range(1, 6)]
_TAKES: Final[dict[str, Callable[[Criteria, segments_pb2.SegmentCondition], None]]] = {
    **dict.fromkeys(_NUMBERS, _number),
    "segment": _segment,
    "status": _status,
    "currency": _currency,
    "marketing_consent": _consent,
}
