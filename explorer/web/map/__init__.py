"""The map as a figure: groups, colours, the view, and the job that computes a new map."""
