"""What the latency guard found, in five formats."""
