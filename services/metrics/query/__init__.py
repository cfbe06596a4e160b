"""Questions in a closed vocabulary, answered from sales and visits."""
