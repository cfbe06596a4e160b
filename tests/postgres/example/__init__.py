"""A service that only has migrations."""
