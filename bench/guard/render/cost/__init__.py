"""What the cost guard found, in five formats."""
