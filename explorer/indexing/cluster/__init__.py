"""Embeds files on the workers of a Dask cluster (`--scheduler`). Only the main program writes songs.db."""
