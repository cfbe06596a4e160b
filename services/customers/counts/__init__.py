"""How many customers bought in a window, and for how many of them it was the first time."""
