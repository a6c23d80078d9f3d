"""Restores in the user's own program, explained where they fail or silently go wrong."""
