"""Live: the windows of the last minutes and the feed of their changes."""
