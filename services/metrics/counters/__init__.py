"""Counters of venues: atomic, durable sums of increments."""
