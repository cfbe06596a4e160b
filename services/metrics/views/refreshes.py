"""The materialized views of metrics, and what refreshes them."""

from typing import Final

from libs.common.postgres.refreshes import LONGEST, Refreshes

__all__ = ("LONGEST", "VIEWS", "Refreshes")

VIEWS: Final = ("marketplace_activity_materialized", "venue_analytics_mv")
