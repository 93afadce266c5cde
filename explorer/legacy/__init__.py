"""Reads databases of the original experiment's scripts, and copies them into a library."""
