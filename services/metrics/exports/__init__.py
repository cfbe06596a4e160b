"""Rows of data sets for export files: one statement, one snapshot, column by column."""
