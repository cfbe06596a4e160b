"""Cache namespaces of answers that are made from series."""

from typing import Final
from uuid import UUID

from libs.common.cache.lifetimes import SERIES

_PREFIX: Final = SERIES.namespace


def series_of(venue_id: UUID, metric_type: str) -> str:
    """Answers about one metric of a venue."""
    return f"{_PREFIX}:{venue_id}:{metric_type}"
