"""The HTTP routes that do not belong to Dash: sound, song details, playlists and uploads."""
