"""The machine that measures: what it is, its free memory, the fork server."""
