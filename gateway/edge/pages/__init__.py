"""Pages for people: where to begin, and the API's documentation."""
