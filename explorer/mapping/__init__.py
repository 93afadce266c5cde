"""Vectors to positions, clusters, names and neighbours: arrays in, arrays out."""
