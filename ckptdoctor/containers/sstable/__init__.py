"""The sorted string table that both TensorFlow checkpoint formats share, reader and writer."""
