"""Tests of bench/adapt/."""
