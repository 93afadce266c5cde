"""Music explorer: index a music library by OpenL3 embeddings, and show it as a map you can hear."""
