"""The people of a tenant: who they are, and to whom that is shown."""
