"""Analyses of a library: its status, similar songs, comparisons of songs, and a verification report."""
