"""What an erased person leaves behind: a pseudonym for their id, in stores and in events to come."""
