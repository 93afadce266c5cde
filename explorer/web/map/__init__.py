"""What the map shows: groups, colours, flags, names, the view, and the job that computes a new map."""
