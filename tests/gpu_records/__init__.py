"""Tests of bench/gpu_records/."""
