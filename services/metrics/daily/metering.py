"""Counters of the nightly check: what it looked at, and what it had to repair."""

from prometheus_client import Counter

CHECKED = Counter("daily_check_months_total", "Months of venues compared with the facts.")
DIFFERENCES = Counter(
    "daily_check_differences_total", "Rows of the daily tables that differed from the facts.", ("table",)
)
