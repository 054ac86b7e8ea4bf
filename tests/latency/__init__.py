"""Tests of bench/latency/."""
