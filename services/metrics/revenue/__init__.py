"""Revenue of a tenant or a venue over a window, from the books."""
