"""The page of a shift."""
