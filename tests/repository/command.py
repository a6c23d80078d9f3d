"""A command, as a user runs it."""

from __future__ import annotations

from typer.testing import CliRunner

from ckptdoctor.cli.app import app


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result.output
