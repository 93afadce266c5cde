"""The HTTP routes beside Dash: sound, song details, playlists and uploads."""
