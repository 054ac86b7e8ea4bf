"""HOW variants are measured, kept, judged and shown."""
