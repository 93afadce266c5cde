"""Songs that a visitor drops on the map: the queue, the embedding, and keeping one."""
