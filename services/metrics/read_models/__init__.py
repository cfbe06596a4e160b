"""Consumption of platform events into the read models of catalog and orders."""
