"""Helpers that several parts of the program use: files, processes, progress, text."""
