"""Tests of bench/stats/."""
