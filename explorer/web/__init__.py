"""The web app: the page, the map's arrays and description, and the routes that play songs."""
