"""Hands the library out in other programs' formats: tables, playlists, vectors."""
