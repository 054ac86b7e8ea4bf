"""Tests of bench/pack/."""
