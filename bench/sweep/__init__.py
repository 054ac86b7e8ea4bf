"""Plan, forecast and run the cells of a search space on one machine."""
