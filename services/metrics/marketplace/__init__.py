"""The secondary market: listings, resales, and their prices against face value."""
