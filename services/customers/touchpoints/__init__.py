"""Touchpoints: who met which channel and campaign, kept in MongoDB from the platform's events."""
