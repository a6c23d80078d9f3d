"""What an owner's loader does with a checkpoint: one loader a module."""
