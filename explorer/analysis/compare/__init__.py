"""The `compare` command: how similar songs are, as figures and as text."""
