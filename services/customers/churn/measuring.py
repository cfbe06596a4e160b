"""How well probabilities foretold what happened."""

from typing import Final

import numpy as np

from services.customers.lifetime.summaries import Array, Codes

_BINS: Final = 10
_SMALLEST: Final = 1e-6


def brier(outcomes: Codes, probability: Array) -> float:
    """Mean square of what is missing to the outcome. Source: G. Brier (1950), Monthly Weather Review 78."""
    return float(((probability - outcomes) ** 2).mean())


def area_under_curve(outcomes: Codes, score: Array) -> float:
    """Probability that one with the outcome 1 scores above one with 0, half for equal scores.

    Source: J. Hanley and B. McNeil (1982), Radiology 143 (as the rank statistic of Mann and Whitney).
    """
    from scipy.stats import rankdata

    ones = int(outcomes.sum())
    above = rankdata(score)[outcomes == 1].sum() - ones * (ones + 1) / 2
    return float(above / (ones * (len(outcomes) - ones)))


def log_loss(outcomes: Codes, probability: Array) -> float:
    """Mean negative logarithm of what was given to the outcome; probabilities are kept 1e-6 from 0 and 1."""
    given = np.clip(np.where(outcomes == 1, probability, 1 - probability), _SMALLEST, 1 - _SMALLEST)
    return float(-np.log(given).mean())


def calibration_error(outcomes: Codes, probability: Array) -> float:
    """Mean distance of probability and frequency in ten bins of equal width, weighted by their rows.

    Source: M. Naeini, G. Cooper and M. Hauskrecht (2015), AAAI (expected calibration error).
    """
    bins = np.minimum((probability * _BINS).astype(np.int64), _BINS - 1)
    gaps = np.bincount(bins, probability - outcomes, _BINS)
    return float(np.abs(gaps).sum() / len(outcomes))


def figures(outcomes: Codes, probability: Array) -> dict[str, float]:
    """All of them, and what anyone would reach who knew only the share of the outcome."""
    share = float(outcomes.mean())
    return {
        "auc": area_under_curve(outcomes, probability),
        "brier": brier(outcomes, probability),
        "base_rate_brier": share * (1 - share),
        "log_loss": log_loss(outcomes, probability),
        "ece10": calibration_error(outcomes, probability),
        "expected_share": float(probability.mean()),
        "actual_share": share,
        "customers": float(len(outcomes)),
    }
