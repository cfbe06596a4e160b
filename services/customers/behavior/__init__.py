"""What people did in their sessions: one MongoDB document a person, session and venue."""
