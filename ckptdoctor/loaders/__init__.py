"""What an owner's loader does with a checkpoint, variable by variable: one loader a module, which `registry` lists."""
