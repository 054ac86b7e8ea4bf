"""Tests of bench/sweep/."""
