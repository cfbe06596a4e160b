"""The daily tables of venues and shows, in the venue's own days."""
