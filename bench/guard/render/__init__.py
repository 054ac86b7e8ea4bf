"""The reports of guards."""
