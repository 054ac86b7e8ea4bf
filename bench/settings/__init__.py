"""What a measurement was made with."""
