"""Journeys: what a customer met, did, bought and visited at a venue, in the order of time."""
