"""Tests of bench/guard/."""
