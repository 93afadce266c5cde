"""The page's layout and its callbacks."""
