"""The block diagram of a variant."""
