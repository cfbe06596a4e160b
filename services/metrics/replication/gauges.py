"""What Prometheus is told about the replica."""

from typing import Final

from prometheus_client import Counter, Gauge

LAG_SECONDS: Final = Gauge(
    "replication_lag_seconds", "Time since the replica last held everything it could.", ["stream"]
)
LAG_ROWS: Final = Gauge(
    "replication_lag_rows", "Rows that wait for the replica, counted to a limit of 100,000.", ["stream"]
)
ROWS: Final = Counter("replication_rows_total", "Rows copied to the replica.", ["stream"])
FAILURES: Final = Counter("replication_failures_total", "Rounds that ended with an error.")
REFILLS: Final = Counter(
    "replication_refills_total", "Times a replica was filled from the start.", ["stream"]
)
DIFFERENCES: Final = Gauge(
    "replication_differences", "Series and days that differed in the last reconciliation."
)
FALLBACKS: Final = Counter(
    "series_replica_unused_total", "Answers made without the replica though it was asked for."
)
