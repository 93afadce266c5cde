"""The `report` command: checks a songs.db, and writes the results as an HTML page."""
