"""Sales over time, by venue, show, channel and ticket type, read from the books and the sums over them."""
