"""Figures of costs and fronts."""
