"""The architecture as the documentation draws it, held against the code."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
LONGEST = 400
LONGER = {
    "benchmarks/loaders/changes.py": "one list of what people change, a function of a few lines each",
    "tests/hostile/attacks.py": "one list of attacks, a few lines each, which is read from top to bottom",
}
"""Files above the limit, each with its reason."""


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def floors() -> list[set[str]]:
    """The rooms by floor, from the top, as import-linter holds them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contract = next(item for item in settings["tool"]["importlinter"]["contracts"] if item["type"] == "layers")
    return [{room.strip() for room in layer.split("|")} for layer in contract["layers"]]


def test_the_table_of_rooms_has_every_room_in_the_order_of_the_floors() -> None:
    rows = re.findall(r"^\| (`.+?`) \|", section("Rooms"), re.MULTILINE)
    rooms = [name.removesuffix("/").removesuffix(".py") for row in rows for name in re.findall(r"`([^`]+)`", row)]
    height = {room: number for number, layer in enumerate(floors()) for room in layer}
    assert set(rooms) == set(height) - {"__main__"}
    assert [height[room] for room in rooms] == sorted(height[room] for room in rooms)


def test_the_drawing_names_rooms_and_values_that_exist() -> None:
    drawing = section_drawing()
    rooms = {room for layer in floors() for room in layer}
    words = set(re.findall(r"[a-z_]+(?= ─▶)|(?<=─▶ )[a-z_]+", drawing)) - {"files", "bytes", "lock"}
    assert words <= rooms, words - rooms
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "ckptdoctor").rglob("*.py"))
    for value in re.findall(r"\b(?:[A-Z][a-z]+)+[A-Z]?[a-z]*\b", drawing):
        assert f"class {value}" in sources, value


def section_drawing() -> str:
    return PAGE.split("```text\n", 1)[1].split("```", 1)[0]


@pytest.mark.parametrize("row", re.findall(r"^\| (?:a|an) .+$", section("To add something"), re.MULTILINE))
def test_what_to_add_names_files_that_exist(row: str) -> None:
    for name in re.findall(r"`([a-z_]+/[\w/]+\.py)`", row):
        path = ROOT / "ckptdoctor" / name
        if path.stem.isupper():
            assert path.parent.is_dir(), name
        else:
            assert path.is_file(), name


def test_no_file_is_long_without_a_reason() -> None:
    files = [path for part in ("ckptdoctor", "benchmarks", "tests", "docs") for path in (ROOT / part).rglob("*.py")]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in files}
    long = {name for name, length in lengths.items() if length > LONGEST}
    assert long == set(LONGER)


def test_a_room_says_what_it_is() -> None:
    for path in (ROOT / "ckptdoctor").rglob("__init__.py"):
        assert path.read_text("utf-8").startswith('"""'), Path(path).relative_to(ROOT)
