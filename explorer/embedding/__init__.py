"""Compute OpenL3 embeddings: audio samples to vectors."""
