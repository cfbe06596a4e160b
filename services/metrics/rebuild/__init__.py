"""Read models made anew from the raw events of their tenant."""
