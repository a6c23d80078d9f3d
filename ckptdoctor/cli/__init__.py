"""The command line: thin commands over `ckptdoctor.api`, one a file."""

from ckptdoctor.cli.app import main

__all__ = ["main"]
