"""Servers and stacks that tests share."""
