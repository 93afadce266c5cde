"""The demo: a library of composed songs, and synthetic sounds that test an embedding."""
