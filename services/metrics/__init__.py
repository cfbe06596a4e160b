"""The metrics service: recording, series, live feeds, revenue and capacity of one tenant's venues."""
