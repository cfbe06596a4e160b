"""Materialized views: their refreshes, and how old they are."""
