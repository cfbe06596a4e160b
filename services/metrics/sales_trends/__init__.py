"""Whether sales rise or fall, and where their level shifted."""
