"""The overview: today so far, and the dashboard page, each in one answer."""
