"""Platform events made by hand or by the season, and what they must add up to."""
