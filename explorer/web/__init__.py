"""The page and its sound."""
