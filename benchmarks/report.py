"""How results are printed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """One ratio: what was measured, its yardstick, and what is demanded.

    `at_most` turns the demand around: the ratio must not be above the target.
    """

    name: str
    measured: str
    yardstick: str
    ratio: float
    target: float
    at_most: bool = False

    @property
    def is_met(self) -> bool:
        return self.ratio <= self.target if self.at_most else self.ratio >= self.target

    def line(self) -> str:
        demand = f"{'<=' if self.at_most else '>='} {self.target}"
        verdict = "met" if self.is_met else "NOT MET"
        return f"{self.name}: {self.ratio:.2f} ({demand}, {verdict})\n    {self.measured} / {self.yardstick}"
