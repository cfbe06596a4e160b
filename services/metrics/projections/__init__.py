"""Net revenue to expect, day by day, from the models that did best on the past."""
