"""`bench adapt`."""
