"""`bench sweep`."""
