"""The values of checkpoints: what they look like, and how they differ."""
