"""The customers service: who buys, what they are worth, what brought them, and what is held on them."""
