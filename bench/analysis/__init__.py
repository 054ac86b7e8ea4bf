"""What records say: tables, comparability, resampling, fronts, effects, warnings."""
