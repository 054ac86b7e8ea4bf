"""`bench cost`."""
