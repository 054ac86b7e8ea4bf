"""Tests of bench/cost/."""
