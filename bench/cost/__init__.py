"""Parameters and multiply-adds: the same on every machine."""
