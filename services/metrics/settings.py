"""Settings of the metrics service (variables start with METRICS_)."""

from typing import Literal

from pydantic import Field, SecretStr
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

    influx_url: str | None = Field(None, description="InfluxDB URL; unset means no replica of the series.")
    influx_token: SecretStr | None = Field(
        None, description="InfluxDB token: version 2 and 3; user:password for 1."
    )
    influx_org: str = Field("tickettoken", description="InfluxDB organisation; version 2.")
    influx_read_timeout_seconds: float = Field(1.0, gt=0, description="Wait before PostgreSQL answers alone.")
    series_source: Literal["auto", "postgres"] = Field(
        "auto", description="Where series are read: the replica while it keeps up, or PostgreSQL alone."
    )
    replication_poll_seconds: float = Field(1.0, gt=0, description="Pause of an idle replicator.")
    replication_batch_rows: int = Field(20_000, ge=1, description="Rows one replicated batch aims at.")

    visit_retention_days: int = Field(400, ge=1, le=3650, description="Age at which visits are dropped.")
    session_active_seconds: int = Field(300, ge=1, description="How long a session counts as active.")

    projection_queue: int = Field(16, ge=1, description="Projections that wait or are calculated at once.")
    projection_idle_seconds: float = Field(
        300.0, gt=0, description="Idle time after which the process that calculates projections ends."
    )

    customers_target: str | None = Field(
        None, description="gRPC target of the customers service; unset means that there is none."
    )

    raw_event_retention_days: int = Field(400, ge=1, description="Age at which raw platform events expire.")

    feed_tick_seconds: float = Field(0.1, gt=0, description="Changes of a key within one tick are sent once.")
    feed_heartbeat_seconds: float = Field(15.0, gt=0, description="Silence before a heartbeat.")
    feed_length: int = Field(4096, ge=16, description="Messages a venue's feed keeps for resuming streams.")
    feed_repair_seconds: float = Field(2.0, gt=0, description="Pause between feed repairs.")
    feed_slow_reader_seconds: float = Field(10.0, gt=0, description="Wait that closes a stream.")
    feed_subscribers: int = Field(10_000, ge=1, description="Streams a process serves at once.")
