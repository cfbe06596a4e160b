"""Settings of the customers service (variables start with CUSTOMERS_)."""

from pydantic_settings import SettingsConfigDict

from libs.common.settings import StoreSettings


class CustomersSettings(StoreSettings):
    """What the customers service adds to a domain service's settings; units are in the names."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_prefix="CUSTOMERS_")
