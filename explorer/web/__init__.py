"""The web app: the page, the map's figure, and the routes that play songs."""
