"""Words of findings, as paths, fields and rows spell them."""

from enum import StrEnum


class InsightType(StrEnum):
    """What kind of finding."""

    REVENUE_ANOMALY = "revenue_anomaly"
    VIPS_AT_RISK = "vips_at_risk"
    SEGMENT_MIGRATION = "segment_migration"
    COHORT_RETENTION_CHANGE = "cohort_retention_change"
    CHANNEL_PERFORMANCE = "channel_performance"
    PACING_BEHIND = "pacing_behind"
    PRICE_RESISTANCE = "price_resistance"
    NO_SHOW_RISE = "no_show_rise"
    DATA_FRESHNESS = "data_freshness"


class Priority(StrEnum):
    """How soon somebody should look; `rank` rises with it."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        return tuple(Priority).index(self)


class State(StrEnum):
    """Where a finding stands."""

    OPEN = "open"
    DISMISSED = "dismissed"
    ACTIONED = "actioned"
    EXPIRED = "expired"
