"""Conditions of a repository rather than of a pair: one a file, each with its row in the table of codes and its page."""
