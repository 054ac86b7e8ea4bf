"""`bench speed`."""
