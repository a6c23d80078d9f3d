"""Places that have files: bounded reading, checksums, outputs that appear whole or not at all."""
