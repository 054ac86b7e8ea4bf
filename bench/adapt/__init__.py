"""A user's own images: how far they are from those a network was trained on, and what brings it nearer to them."""
