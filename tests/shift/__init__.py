"""Tests of bench/shift/."""
