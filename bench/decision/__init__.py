"""Which variant to take: picks, prices, return on investment, changed fronts."""
