"""Tests of bench/decision/."""
