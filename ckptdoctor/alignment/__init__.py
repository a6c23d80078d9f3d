"""Which graph variable is which checkpoint key."""
