"""How far new images are from the training ones."""
