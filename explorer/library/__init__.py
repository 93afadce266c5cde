"""songs.db, and the files and tags that fill it."""
