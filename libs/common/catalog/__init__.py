"""Venues, events and ticket types as the platform last described them."""
