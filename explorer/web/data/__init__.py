"""The library's data for the page: read from songs.db, and held in memory."""
