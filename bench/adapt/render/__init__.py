"""The report of an adaptation."""
