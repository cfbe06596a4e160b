"""Attribution: which channels orders are credited to, in conversions and in money."""
