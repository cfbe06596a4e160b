"""How the house of a show fills, gate by gate."""
