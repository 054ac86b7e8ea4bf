"""`bench guard`."""
