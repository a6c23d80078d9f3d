"""What every store owes: a store inherits the tests by a line in `STORES`."""

from __future__ import annotations

import ast
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import ckptdoctor
from ckptdoctor.errors import Corrupt, FormatError, OutputError
from ckptdoctor.io.memory_store import MemoryStore
from ckptdoctor.io.store import LOCAL, Store

STORES: dict[str, Callable[[], Store]] = {"local": lambda: LOCAL, "memory": MemoryStore}
DATA = bytes(range(256)) * 300


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Store:
    return STORES[request.param]()


def put(store: Store, path: Path, data: bytes, *, force: bool = False) -> None:
    with store.output(force=force) as output:
        output.create(path).write(data)
        output.commit()


def test_what_is_written_is_read_by_ranges(store: Store, tmp_path: Path) -> None:
    put(store, tmp_path / "x", DATA)
    file = store.open(tmp_path / "x")
    assert (file.path, file.size, store.size(tmp_path / "x")) == (tmp_path / "x", len(DATA), len(DATA))
    ranges = [(0, 3), (len(DATA) - 2, 2), (1000, 0), (256, 700)]
    assert [bytes(view) for view in file.read_ranges(ranges, "data")] == [DATA[at : at + size] for at, size in ranges]
    assert bytes(file.view(5, 9, "data")) == DATA[5:14]
    assert file.view(5, 9, "data").readonly


@pytest.mark.parametrize("outside", [(-1, 2), (0, -1), (0, len(DATA) + 1), (len(DATA), 1)])
def test_a_range_outside_the_file_is_damage(store: Store, tmp_path: Path, outside: tuple[int, int]) -> None:
    put(store, tmp_path / "x", DATA)
    with pytest.raises(Corrupt, match=r"footer.*lie outside the file of 76,800 bytes"):
        store.open(tmp_path / "x").read_ranges([(0, 1), outside], "footer")


def test_a_stream_reads_and_seeks_as_a_file_does(store: Store, tmp_path: Path) -> None:
    put(store, tmp_path / "x", DATA)
    with store.open(tmp_path / "x").stream() as stream:
        assert stream.read() == DATA
        assert stream.read(1) == b""
        assert stream.seek(-10, io.SEEK_END) == len(DATA) - 10
        assert stream.read(20) == DATA[-10:]
        assert stream.seek(7) == stream.tell() == 7
        assert stream.read(3) == DATA[7:10]


def test_chunks_are_the_range(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ckptdoctor.io.stored_file.COPY_CHUNK", 1000)
    put(store, tmp_path / "x", DATA)
    file = store.open(tmp_path / "x")
    chunks = [bytes(chunk) for chunk in file.chunks(10, 4321)]
    assert b"".join(chunks) == DATA[10:4331]
    assert max(map(len, chunks)) <= 1000
    with pytest.raises(Corrupt, match="ends 5 bytes early"):
        list(file.chunks(len(DATA) - 5, 10))


def test_an_archive_can_be_read_from_a_stream(store: Store, tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", DATA)
    put(store, tmp_path / "x.zip", made.getvalue())
    assert zipfile.ZipFile(store.open(tmp_path / "x.zip").stream()).read("a") == DATA


def test_an_empty_file_is_a_file(store: Store, tmp_path: Path) -> None:
    put(store, tmp_path / "x", b"")
    file = store.open(tmp_path / "x")
    assert (file.size, bytes(file.view(0, 0, "data")), file.stream().read()) == (0, b"", b"")
    assert store.is_file(tmp_path / "x")


def test_files_and_directories_are_told_apart_and_listed(store: Store, tmp_path: Path) -> None:
    for name in ("b", "a", "d/c", "d/e/f"):
        put(store, tmp_path / name, b"x")
    assert store.list(tmp_path) == (tmp_path / "a", tmp_path / "b", tmp_path / "d")
    assert store.list(tmp_path / "d") == (tmp_path / "d/c", tmp_path / "d/e")
    assert [store.is_file(tmp_path / name) for name in ("a", "d", "d/c", "no")] == [True, False, True, False]
    assert [store.is_directory(tmp_path / name) for name in ("a", "d", "d/c", "no")] == [False, True, False, False]
    assert [store.exists(tmp_path / name) for name in ("a", "d", "d/c", "no")] == [True, True, True, False]
    assert store.list(tmp_path / "no") == ()


@pytest.mark.parametrize("ask", [lambda store, path: store.open(path), lambda store, path: store.size(path)])
def test_what_is_not_there_is_an_error(store: Store, tmp_path: Path, ask: Callable[[Store, Path], object]) -> None:
    with pytest.raises(FormatError, match="no"):
        ask(store, tmp_path / "no")


def test_nothing_appears_before_everything_is_written(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), store.output() as output:
        output.create(tmp_path / "a").write(b"1")
        output.create(tmp_path / "b").write(b"2")
        assert not store.exists(tmp_path / "a")
        raise ZeroDivisionError
    assert store.list(tmp_path) == ()
    with store.output() as output:
        output.create(tmp_path / "a").write(b"1")
        output.create(tmp_path / "b").write(b"2")
        assert output.commit() == (tmp_path / "a", tmp_path / "b")
    assert store.list(tmp_path) == (tmp_path / "a", tmp_path / "b")


def test_a_file_is_replaced_only_if_that_is_wanted(store: Store, tmp_path: Path) -> None:
    put(store, tmp_path / "x", b"old")
    with pytest.raises(OutputError, match="exists"):
        put(store, tmp_path / "x", b"new")
    assert store.open(tmp_path / "x").stream().read() == b"old"
    put(store, tmp_path / "x", b"new", force=True)
    assert store.open(tmp_path / "x").stream().read() == b"new"


def test_an_identity_tells_that_a_file_was_replaced(store: Store, tmp_path: Path) -> None:
    put(store, tmp_path / "x", b"old")
    before = store.identity(tmp_path / "x")
    assert store.identity(tmp_path / "x") == before is not None
    put(store, tmp_path / "x", b"new", force=True)
    assert store.identity(tmp_path / "x") != before
    assert store.identity(tmp_path / "no") is None


def test_what_is_open_stays_what_it_was(store: Store, tmp_path: Path) -> None:
    put(store, tmp_path / "x", b"old")
    file = store.open(tmp_path / "x")
    put(store, tmp_path / "x", b"new!", force=True)
    assert bytes(file.view(0, file.size, "data")) == b"old"


def test_a_directory_that_cannot_be_listed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(FormatError, match="cannot be listed: Permission denied"):
        LOCAL.list(tmp_path)


FILES = {"open", "exists", "stat", "glob", "rglob", "iterdir", "is_file", "is_dir", "read_bytes", "read_text"}
OTHERS = {"store", "self.store", "probe.store", "source.store", "LOCAL", "archive", "self._zip", "record"}
"""What has a method of such a name and is no path: a store, an archive's members, a format's record."""


@pytest.mark.parametrize("room", ["formats", "containers"])
def test_files_are_reached_through_a_store_alone(room: str) -> None:
    offenders = []
    for path in sorted((Path(ckptdoctor.__file__).parent / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
            owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
            if method in FILES and owner not in OTHERS:
                offenders.append(f"{path.name}:{node.lineno} {ast.unparse(node.func)}")
    # A member of the archive itself.
    assert [item for item in offenders if not item.startswith("zip_archive.py") or "self.open" not in item] == []
