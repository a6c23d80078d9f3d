"""Says why a TensorFlow checkpoint does not fit a graph, and rewrites it so that it does."""

__version__ = "0.1.0"
