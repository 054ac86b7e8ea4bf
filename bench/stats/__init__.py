"""Confusion matrices, scores, resampling, paired ratios, Pareto fronts: numbers alone, without torch."""
