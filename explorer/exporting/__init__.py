"""Exports a library in the formats of other programs: tables, playlists, vectors."""
