"""The registry of fitted models: what was tried, how it did on held-out time, and what serves."""
