"""Databases of the original experiment: read, and copied into a library of ours."""
