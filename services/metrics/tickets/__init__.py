"""Tickets after their sale: scans at the doors, transfers, and where the tickets of each type are."""
