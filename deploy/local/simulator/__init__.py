"""A season of ticket sales from a seed: the demo, the load generator, and a known truth for tests."""
