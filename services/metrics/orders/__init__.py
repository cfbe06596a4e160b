"""Orders of the platform: what was sold, refunded and cancelled, and the books that follow from it."""
