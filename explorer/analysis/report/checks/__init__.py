"""The checks of a report: each is a function from vectors or positions to a result."""
