"""Records -> table -> Pareto fronts. Imports neither torch nor variants."""
