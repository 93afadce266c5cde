"""OpenL3: samples to vectors."""
