"""Tests of bench/accuracy/."""
