"""Settings of the customers service (variables start with CUSTOMERS_)."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.common.settings import StoreSettings


class CustomersSettings(StoreSettings):
    """What the customers service adds to a domain service's settings; units are in the names."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_prefix="CUSTOMERS_")

    metrics_target: str | None = Field(
        None, description="gRPC target of the metrics service; unset means that there is none."
    )
    behavior_retention_days: int = Field(
        400, ge=1, description="How long what people did in a session is kept after its last step."
    )
    rfm_window_days: int = Field(
        365, ge=0, description="Days that order counts and spend of scores look back on; 0: all history."
    )
    erasing_services: tuple[str, ...] = Field(
        ("metrics",), description="Other services that must confirm an erasure before it is complete."
    )
    lifetime_horizon_days: int = Field(
        365, ge=1, le=1825, description="Days that stored lifetime values look ahead."
    )
    lifetime_least_repeaters: int = Field(
        500,
        ge=30,
        description="Customers who bought again without whom a venue is served by the tenant's fit.",
    )
    churn_horizon_days: int = Field(
        90, ge=1, le=365, description="Days that stored churn probabilities look ahead."
    )
