"""What records of adaptations say."""
