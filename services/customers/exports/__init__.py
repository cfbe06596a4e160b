"""Rows of customers, purchases and scores for export files."""
