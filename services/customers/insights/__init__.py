"""Insights: findings about a venue that its facts bear out, and what was done about them."""
