"""Runs decoding and embedding on a Dask cluster (`--scheduler`); the coordinator alone writes songs.db."""
