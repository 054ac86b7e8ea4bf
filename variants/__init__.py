"""WHAT is measured: specs of segmentation networks and the code that builds them.

This package never imports `bench`. Specs, names and spaces load no torch; building a network does.
"""
