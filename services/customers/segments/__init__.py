"""Segments of customers: those of scores and those that tenants make, told, listed and kept current."""
