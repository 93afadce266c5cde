"""A folder of music: its files, tags, genres and covers, on disk or at a URL."""
