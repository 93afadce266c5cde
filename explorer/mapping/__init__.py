"""Computes neighbours, positions, clusters and cluster names from the songs' vectors, as arrays."""
