"""The tasks of a conversion share nothing: they pickle, run in any order and in other processes, and write the same."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ckptdoctor.conversion.plan import Plan
from ckptdoctor.errors import Corrupt, UsageError
from ckptdoctor.executor import run as running
from ckptdoctor.executor.convert import convert
from ckptdoctor.executor.tasks import CheckTensor, ComputeTensor, CopyFile, CopyTensor, Done, Task, WriteBytes
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.formats.registry import WRITTEN
from ckptdoctor.formats.target import TargetOptions
from ckptdoctor.ops import Cast, Concat, Drop, Gather, Initialise, Op, Partition, Rename, Slice, Transpose
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.inventory import StoredGroup
from tests.formats import oracle

FLOAT16 = dtype_from_name("float16")
CHANGES: tuple[Op, ...] = (
    Transpose("a/kernel", (3, 2, 0, 1)),
    Cast("b/table", FLOAT16),
    Slice("b/table", 0, 1, 3, "b/part"),
    Concat(("c/one", "c/two"), 0, "c/both"),
    Initialise("new/kernel", FLOAT16, (5, 3), 0.0, 1.0, 3),
    Rename("d/scalar", "d/renamed"),
)
SMALL, ONE = TargetOptions(max_shard_size=500), TargetOptions()
LAYERS = TargetOptions(
    layers=tuple(
        StoredGroup(name, name, tuple(f"{name}/{weight}" for weight in weights.split()))
        for name, weights in {
            "a": "kernel bias",
            "b": "table part",
            "c": "both none",
            "new": "kernel",
            "d": "renamed",
        }.items()
    )
)
CASES: dict[str, tuple[str, str, TargetOptions, tuple[Op, ...]]] = {
    "the index alone": ("tensor-bundle", "out", ONE, (Rename("a/kernel", "x/kernel"),)),
    "a bundle in shards": ("tensor-bundle", "out", SMALL, (*CHANGES, Partition("a/bias", 0, 3))),
    "npz": ("npz", "out.npz", ONE, CHANGES),
    "safetensors in shards": ("safetensors", "out.safetensors", SMALL, (*CHANGES, Drop("text"))),
    "Keras's HDF5": ("keras-h5", "out.h5", LAYERS, (*CHANGES, Drop("text"))),
}
Run = Callable[..., list[Done]]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(1)
    prefix = tmp_path_factory.mktemp("tasks") / "source"
    oracle.save_raw(
        prefix,
        {
            "a/kernel": rng.standard_normal((3, 3, 4, 6)).astype(np.float32),
            "a/bias": rng.standard_normal(7).astype(np.float32),
            "b/table": rng.standard_normal((9, 5)).astype(np.float32),
            "c/one": np.arange(6, dtype=np.int64),
            "c/two": np.arange(40, 44, dtype=np.int64),
            "c/none": np.zeros((0, 4), np.float32),
            "d/scalar": np.float32(2.5),
            "text": np.array([b"one", b"two" * 90], dtype=object),
        },
    )
    return prefix


def write(source: Path, case: str, directory: Path, **options: Any) -> dict[str, bytes]:
    target, name, settings, ops = CASES[case]
    directory.mkdir()
    plan = Plan(str(source), ops)
    receipt = convert(
        open_checkpoint(str(source)),
        plan,
        str(directory / name),
        target=WRITTEN[target],
        options=settings,
        force=True,
        **options,
    )
    return {path.name: timeless(path) for path in receipt.files}


def timeless(path: Path) -> bytes:
    """A file's bytes; HDF5 records when a dataset was made, so what the library reads there stands for those."""
    if path.suffix != ".h5":
        return path.read_bytes()
    import h5py

    with h5py.File(path) as file:
        datasets: list[tuple[str, bytes]] = []
        file.visititems(
            lambda name, item: datasets.append((name, item[()].tobytes())) if hasattr(item, "shape") else None
        )
    return repr(datasets).encode()


def with_run(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.setattr("ckptdoctor.executor.convert.run", run)


@pytest.mark.parametrize("case", CASES)
def test_every_task_pickles(case: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = write(source, case, tmp_path / "plain")
    kinds: set[type[Task]] = set()

    def pickled(tasks: Sequence[Task], copies: Sequence[CopyFile], *rest: Any, **options: Any) -> list[Done]:
        again = pickle.loads(pickle.dumps((list(tasks), list(copies))))
        assert again == (list(tasks), list(copies))
        kinds.update(map(type, (*tasks, *copies)))
        return running.run(*again, *rest, **options)

    with_run(monkeypatch, pickled)
    assert write(source, case, tmp_path / "pickled") == expected
    if case == "the index alone":
        assert kinds == {CheckTensor, CopyFile}
    else:
        assert kinds >= {ComputeTensor, CopyTensor}
        assert (WriteBytes in kinds) == (case == "npz")


@pytest.mark.parametrize("case", CASES)
def test_the_order_of_the_tasks_changes_nothing(
    case: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = write(source, case, tmp_path / "plain")

    def backwards(tasks: Sequence[Task], *rest: Any, **options: Any) -> list[Done]:
        return running.run(tasks[::-1], *rest, **options)[::-1]

    with_run(monkeypatch, backwards)
    assert write(source, case, tmp_path / "backwards") == expected


@pytest.mark.parametrize("case", CASES)
def test_two_processes_write_the_same_bytes(case: str, source: Path, tmp_path: Path) -> None:
    heard: dict[int, int] = {0: 0, 2: 0}
    written = {}
    for processes in heard:

        def advance(size: int, processes: int = processes) -> None:
            heard[processes] += size

        written[processes] = write(source, case, tmp_path / str(processes), processes=processes, advance=advance)
    assert written[0] == written[2]
    assert len(written[0]) > 1 or case in ("npz", "Keras's HDF5")
    assert heard[0] == heard[2] > 0


def test_an_error_in_another_process_is_the_same_error(source: Path, tmp_path: Path) -> None:
    kernel = np.arange(1, 37, dtype=np.float32).reshape(3, 3, 2, 2)
    oracle.save_raw(tmp_path / "mixing", {"kernel": kernel})
    errors = []
    for processes in (0, 2):
        with pytest.raises(UsageError, match="mixes channels") as caught:
            plan = Plan("mixing", (Gather("kernel"),))
            convert(open_checkpoint(str(tmp_path / "mixing")), plan, str(tmp_path / "out"), processes=processes)
        errors.append((caught.value.message, caught.value.hint))
    assert errors[0] == errors[1]
    assert not list(tmp_path.glob("*out*"))


def test_an_error_keeps_what_it_knows_between_processes() -> None:
    error = Corrupt(Path("x.index"), "footer", "7 bytes", offset=48, expected="8", hint="Fetch it again.")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is Corrupt
    assert (str(again), again.__dict__) == (str(error), error.__dict__)


def test_elements_of_another_size_than_laid_out_are_not_written(source: Path, tmp_path: Path) -> None:
    """A task never writes over its neighbour."""
    from ckptdoctor.conversion.plan import derive
    from ckptdoctor.executor.tasks import OpenFiles
    from ckptdoctor.specs.tensor import Extent

    checkpoint = open_checkpoint(str(source))
    (tmp_path / "out").write_bytes(b"." * 40)
    derived = derive(Plan("x", (Cast("a/bias", FLOAT16),)), checkpoint.inventory)["a/bias"]
    task = ComputeTensor("a/bias", str(source), derived, None, Extent(tmp_path / "out", 8, 14), "", 0)
    with OpenFiles(checkpoint) as files:
        assert task.run(files, lambda size: None).size == 14
        with pytest.raises(ValueError, match="which has 12"):
            replace(task, destination=Extent(tmp_path / "out", 8, 12)).run(files, lambda size: None)
    assert (tmp_path / "out").read_bytes()[22:] == b"." * 18
