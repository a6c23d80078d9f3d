"""What a repository declares about its checkpoints, and what it has locked."""
