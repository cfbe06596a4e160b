"""Recency, frequency and monetary value: how customers compare, and which segment each belongs to."""
