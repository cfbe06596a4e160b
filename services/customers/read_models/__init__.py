"""Consumption of platform events into the read models of purchases and people."""
