"""Preferences: what a customer buys, and how that differs from what others buy at the same venues."""
