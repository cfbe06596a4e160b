"""This service's part in erasing a person: orders, raw events, and what still arrives about them."""
