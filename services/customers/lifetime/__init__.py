"""Lifetime value and churn from purchase histories, free of any input or output."""
