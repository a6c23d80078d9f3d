"""Checkpoint formats: each gives an inventory, values and extents; the writable ones write."""
