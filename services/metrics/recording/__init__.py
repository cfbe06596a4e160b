"""Recording: metric rows in, committed rollups, live windows and verdicts out."""
