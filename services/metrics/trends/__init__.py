"""Trends of recorded metrics, and comparisons of their windows."""
