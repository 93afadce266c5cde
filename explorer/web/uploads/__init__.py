"""Songs that a upload drops on the map: the queue, the embedding, and keeping one."""
