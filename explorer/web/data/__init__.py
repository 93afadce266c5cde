"""What the page shows of the library, read from songs.db and held in memory."""
