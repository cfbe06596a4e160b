"""A whole season in three time zones: what the service answers about it, and what a naive count gives."""
