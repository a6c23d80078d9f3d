"""What `import ckptdoctor` gives, and what it costs."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import ckptdoctor
from ckptdoctor.cli.app import app
from tests.conftest import ROOT

V1 = ROOT / "tests" / "fixtures" / "classifier.ckpt"
HEAVY = ("numpy", "rich", "h5py", "typer", "ml_dtypes", "google.protobuf")


def loaded(code: str) -> set[str]:
    """The modules that a program imports."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules, sep='\\n')"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    return set(done.stdout.split())


def test_importing_it_imports_nothing_heavy() -> None:
    modules = loaded("import ckptdoctor; dir(ckptdoctor); ckptdoctor.__version__; ckptdoctor.open; ckptdoctor.save")
    assert "ckptdoctor" in modules
    assert not modules & {*HEAVY, "ckptdoctor.formats", "ckptdoctor.diagnosis", "tensorflow"}


def test_importing_it_alone_imports_nothing_else() -> None:
    assert not (loaded("import ckptdoctor") - loaded("import __future__")) - {"ckptdoctor", "ckptdoctor.version"}


def test_opening_and_listing_needs_neither_a_terminal_nor_tensorflow() -> None:
    modules = loaded(f"import ckptdoctor\nwith ckptdoctor.open({str(V1)!r}) as ckpt: assert len(ckpt) == 17")
    assert not modules & {"rich", "typer", "h5py", "numpy", "tensorflow", "ckptdoctor.diagnosis"}


def test_every_promised_name_is_there_and_documented() -> None:
    assert set(ckptdoctor.__all__) <= set(dir(ckptdoctor))
    assert list(ckptdoctor.__all__) == sorted(ckptdoctor.__all__, key=lambda name: (not name[0].isupper(), name))
    for name in ckptdoctor.__all__:
        value = getattr(ckptdoctor, name)
        assert isinstance(value, str) or inspect.getdoc(value), name
    with pytest.raises(AttributeError, match="no attribute 'inspect'"):
        ckptdoctor.inspect  # type: ignore[attr-defined]  # noqa: B018


def test_a_type_checker_sees_every_name_that_is_given_lazily() -> None:
    tree = ast.parse(Path(ckptdoctor.__file__).read_text("utf-8"))
    checked = {
        alias.name: node.module
        for item in tree.body
        if isinstance(item, ast.If)
        for node in item.body
        if isinstance(node, ast.ImportFrom) and node.module != "typing"
        for alias in node.names
    }
    lazy = {name: f"ckptdoctor.{module}" for module, names in ckptdoctor._MODULES.items() for name in names}
    assert checked == lazy
    assert {*lazy, "__version__"} == set(ckptdoctor.__all__)
    assert (Path(ckptdoctor.__file__).parent / "py.typed").exists()


def test_a_star_import_takes_no_module_of_the_standard_library_away() -> None:
    assert not set(ckptdoctor.__all__) & sys.stdlib_module_names


def test_convert_shows_the_options_of_the_plan() -> None:
    options = inspect.signature(ckptdoctor.plan_conversion)
    assert inspect.signature(ckptdoctor.convert).parameters == options.parameters
    assert ckptdoctor.convert.__name__ == "convert"
    documented = inspect.getdoc(ckptdoctor.convert) or ""
    missing = [name for name in options.parameters if f"{name}:" not in documented and f"{name}," not in documented]
    assert not missing


def test_python_converts_whatever_the_command_line_can() -> None:
    command = typer.main.get_command(app).commands["convert"]  # type: ignore[attr-defined]
    flags = {
        parameter.opts[0].lstrip("-").replace("-", "_")
        for parameter in command.params
        if parameter.param_type_name == "option" and parameter.opts[0].startswith("--")
    }
    # On a command line these stand once for each of several.
    several = {"input": "inputs", "arg": "args"}
    of_printing = {"dry_run", "quiet", "verbose", "color", "help_all"}  # a dry run is `plan_conversion`
    wanted = {several.get(flag, flag) for flag in flags} - of_printing
    assert len(wanted) > 30
    assert wanted <= set(inspect.signature(ckptdoctor.convert).parameters)
