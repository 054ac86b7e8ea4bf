"""Fronts as figures, tables and pages. Imports neither torch nor variants."""
