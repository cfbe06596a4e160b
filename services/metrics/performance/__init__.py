"""How single shows sell: figures of each, and its pace beside comparable past shows."""
