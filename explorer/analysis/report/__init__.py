"""The `report` command: checks of a songs.db, written as an HTML page."""
