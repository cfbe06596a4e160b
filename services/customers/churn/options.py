"""Settings of churn."""

from dataclasses import dataclass

from services.customers.settings import CustomersSettings


@dataclass(frozen=True, slots=True)
class ChurnOptions:
    """Settings of runs and answers.

    Attributes:
        horizon_days: How far stored probabilities look ahead.
    """

    horizon_days: int = 90

    @classmethod
    def of(cls, settings: CustomersSettings) -> "ChurnOptions":
        """As the service is set."""
        return cls(settings.churn_horizon_days)
