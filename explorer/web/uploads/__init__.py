"""Songs that a user drops on the map: their queue, their embedding, and adding them to the library."""
