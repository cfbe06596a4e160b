"""A service that owns an outbox, an inbox and one table."""
