"""A map of music you can hear."""
