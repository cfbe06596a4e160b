"""Campaigns of venues: commands in PostgreSQL, the campaigns themselves as documents in MongoDB."""
