"""The materialized views of customers, and what refreshes them."""

from typing import Final

from libs.common.postgres.refreshes import LONGEST, Refreshes

__all__ = ("LONGEST", "VIEWS", "Refreshes")

VIEWS: Final = ("customer_360_materialized", "user_dashboard_materialized")
