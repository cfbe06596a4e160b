"""Rows of tables for whoever writes files: one snapshot, read in batches, sent column by column."""
