"""Our own speed against peers."""
