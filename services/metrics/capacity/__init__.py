"""Seats of a venue's shows: how many exist, are held, sold and for sale."""
