"""Indexing: embeds a folder of music into a library, in runs that can be stopped and resumed."""
