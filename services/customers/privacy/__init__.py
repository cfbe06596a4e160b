"""Erasure, access, and extracts that name nobody."""
