"""Tests of bench/speed/."""
