"""Tests of bench/render/."""
