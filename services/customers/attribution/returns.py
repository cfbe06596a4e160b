"""What a channel's credit was worth against what was spent on it."""


def return_on_investment(net_minor: int, margin_ratio: float, spend_minor: int) -> float | None:
    """(attributed net revenue * margin - spend) / spend; None without spend, which is no infinite return."""
    return (net_minor * margin_ratio - spend_minor) / spend_minor if spend_minor > 0 else None


def cost_per_conversion(spend_minor: int, conversions: float) -> float | None:
    """Spend in minor units a conversion; None where nothing was spent or nothing converted."""
    return spend_minor / conversions if spend_minor > 0 and conversions > 0 else None
