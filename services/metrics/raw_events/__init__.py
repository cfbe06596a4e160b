"""Every platform event as it came, kept in MongoDB: the source that read models are rebuilt from."""
