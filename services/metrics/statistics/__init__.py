"""Statistics of evenly spaced values, free of any input or output."""
