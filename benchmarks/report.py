"""How results are printed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """One ratio: what was measured, its yardstick, and what is demanded.

    `target` None demands nothing. `at_most` turns the demand around: the ratio must not be above the target.
    """

    name: str
    measured: str
    yardstick: str
    ratio: float
    target: float | None
    at_most: bool = False

    @property
    def is_met(self) -> bool:
        if self.target is None:
            return True
        return self.ratio <= self.target if self.at_most else self.ratio >= self.target

    def line(self) -> str:
        verdict = "no demand"
        if self.target is not None:
            demand = f"{'<=' if self.at_most else '>='} {self.target}"
            verdict = f"{demand}, {'met' if self.is_met else 'NOT MET'}"
        return f"{self.name}: {self.ratio:.2f} ({verdict})\n    {self.measured} / {self.yardstick}"
