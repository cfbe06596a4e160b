"""One MongoDB document a show: what holds now, its ticket types, and what was stated when."""
