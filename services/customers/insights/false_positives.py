"""How many findings of a refresh may be chance: one control over all of its tests."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.customers.insights.findings import Candidate, Finding

FALSE_DISCOVERY_RATE: Final = 0.05
"""Expected share of chance among the findings of a refresh.

Where nothing changes at all it is the share of refreshes that find anything."""


def adjusted(p_values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Each p-value as the smallest rate of false discoveries at which its test is still a finding.

    Holds for independent tests and for those that rise and fall together, as a venue's do.

    Source: Y. Benjamini and Y. Hochberg (1995), Controlling the false discovery rate, J. R. Stat. Soc. B 57,
    the step-up procedure; Y. Benjamini and D. Yekutieli (2001), Ann. Stat. 29, theorem 1.2 (dependence).
    """
    values = np.asarray(p_values, np.float64)
    count = len(values)
    order = np.argsort(values, kind="stable")
    steps = values[order] * count / np.arange(1, count + 1)
    result = np.empty(count)
    result[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    return result


def joint_p_value(p_values: Sequence[float] | NDArray[np.float64]) -> float:
    """P-value of "none of these deviates": small exactly when the adjusted ones hold a small one.

    Source: R. J. Simes (1986), An improved Bonferroni procedure, Biometrika 73. 1 for no test.
    """
    return float(adjusted(p_values).min()) if len(p_values) else 1.0


def findings_among(candidates: Sequence[Candidate], rate: float = FALSE_DISCOVERY_RATE) -> list[Finding]:
    """The candidates that hold at the rate and matter, in their order."""
    levels = adjusted([candidate.evidence.p_value for candidate in candidates]).tolist()
    return [
        Finding(candidate, level)
        for candidate, level in zip(candidates, levels, strict=True)
        if level <= rate and candidate.is_material
    ]
