"""Builds the user's graph in a process of its own; run by path, under the user's interpreter."""
