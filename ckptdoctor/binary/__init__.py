"""Bounds-checked reading, atomic writing, and thin wrappers over the checksum, Snappy and protobuf libraries."""
