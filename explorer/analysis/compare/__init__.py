"""The `compare` command: measures how similar songs are, and draws figures of it."""
