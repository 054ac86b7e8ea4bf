"""Tests of bench/storage/."""
