"""The percentiles there are, and of how many values they may be."""

from typing import Final

from services.metrics.errors import TooManyValues

FRACTIONS: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def check_count(count: int, limit: int) -> None:
    """Return when an exact percentile may be of so many values.

    Raises:
        TooManyValues: It would read more than `limit` of them, one by one.
    """
    if count > limit:
        raise TooManyValues(
            f"an exact percentile reads at most {limit} values; ask for a shorter window or fewer series",
            limit=limit,
            value_count=count,
        )
