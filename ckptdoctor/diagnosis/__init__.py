"""Why a graph and a checkpoint disagree, and what to do about it."""
