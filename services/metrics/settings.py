"""Settings of the metrics service (variables start with METRICS_)."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.common.settings import StoreSettings


class MetricsSettings(StoreSettings):
    """What the metrics service adds to a domain service's settings; units are in the names."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_prefix="METRICS_")

    retention_days: int = Field(
        400, ge=1, le=3650, description="Age at which raw metric rows are dropped and refused."
    )
    rollup_retention_days: int = Field(1100, ge=1, le=3650, description="Age at which rollups are dropped.")
    series_budget: int = Field(100_000, ge=1, description="Metric type + dimensions a tenant may have.")

    ingest_lanes: int = Field(2, ge=1, le=8, description="Group commits in progress at once.")
    ingest_queue_rows: int = Field(60_000, ge=10_000, description="Rows that may wait for a commit.")
    ingest_batch_rows: int = Field(20_000, ge=1, description="Rows one group commit takes at most.")

    percentile_row_limit: int = Field(1_000_000, ge=1, description="Raw rows an exact percentile may read.")

    raw_event_retention_days: int = Field(400, ge=1, description="Age at which raw platform events expire.")

    feed_tick_seconds: float = Field(0.1, gt=0, description="Changes of a key within one tick are sent once.")
    feed_heartbeat_seconds: float = Field(15.0, gt=0, description="Silence before a heartbeat.")
    feed_length: int = Field(4096, ge=16, description="Messages a venue's feed keeps for resuming streams.")
    feed_repair_seconds: float = Field(2.0, gt=0, description="Pause between feed repairs.")
    feed_slow_reader_seconds: float = Field(10.0, gt=0, description="Wait that closes a stream.")
    feed_subscribers: int = Field(10_000, ge=1, description="Streams a process serves at once.")
