"""The map as a figure: colours, groups, the view, and the job that draws it anew."""
