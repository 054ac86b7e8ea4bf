"""Run cells on a Ray cluster: costs and trainings anywhere, latencies alone on the driver's node."""
