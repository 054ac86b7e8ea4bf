"""Confusion matrices, scores, resampling, paired ratios, Pareto fronts: numpy and scipy, nothing else."""
