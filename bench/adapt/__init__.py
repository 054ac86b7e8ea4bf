"""What labels, unlabelled images and pre-processing are worth on a user's own images."""
