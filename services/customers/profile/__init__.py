"""Profiles: everything about one customer in one place, at a venue or over all that a caller sees."""
