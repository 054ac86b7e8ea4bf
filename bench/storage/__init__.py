"""Records and what lies beside them, durable on the disk."""
