"""Tests of bench/system/."""
