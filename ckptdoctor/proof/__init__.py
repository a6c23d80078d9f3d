"""The owner's own loader on what was written."""
