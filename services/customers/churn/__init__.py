"""Churn: the probability that a customer stays away for a time, what drives it, and usual shows missed."""
