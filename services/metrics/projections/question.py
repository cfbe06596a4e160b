"""What is handed to the process that calculates, and what it answers: JSON lines of numbers."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Question:
    """One currency's history. Day 0 is its first day; shows are numbered.

    Attributes:
        days: Days wanted, after the running one, which lies between them and the history.
        net: Net revenue by day.
        on_sale: First day of sale by show.
        doors: Last day of sale by show.
        complete_from: Day from which on no show is missing.
        sales: Triples of show, day and net revenue.
    """

    days: int
    net: list[int]
    on_sale: list[int]
    doors: list[int]
    complete_from: int
    sales: list[tuple[int, int, int]]

    def encoded(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def decoded(cls, line: bytes) -> Self:
        return cls(**json.loads(line))


@dataclass(frozen=True, slots=True)
class TestedAnswer:
    """Figures of a back-test; money in minor units."""

    mean_absolute_error: float
    mean_absolute_scaled_error: float | None
    interval_coverage_ratio: float | None
    fold_count: int
    horizon_days: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A projection as numbers; `total` is low and high of the sum."""

    model: str
    uses_shows: bool
    uses_last_year: bool
    expected: list[float]
    low: list[float]
    high: list[float]
    total: tuple[float, float]
    tested: TestedAnswer
    naive: TestedAnswer

    @classmethod
    def decoded(cls, line: bytes) -> Self:
        fields: dict[str, Any] = json.loads(line)
        fields |= {name: TestedAnswer(**fields[name]) for name in ("tested", "naive")}
        return cls(**fields)
