"""What a plan and a wish refuse, and what they say; nothing is written then."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ckptdoctor.cli.app import app
from ckptdoctor.conversion.plan import Plan, derive
from ckptdoctor.conversion.plan_file import read_plan
from ckptdoctor.errors import UsageError
from ckptdoctor.ops import (
    Cast,
    Concat,
    Drop,
    FoldScale,
    FoldShift,
    Gather,
    Initialise,
    Multiply,
    Op,
    Partition,
    Rename,
    Reshape,
    Rows,
    Slice,
    Spread,
    Sum,
    Transpose,
)
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.inventory import Entry, Family, Inventory
from ckptdoctor.specs.tensor import TensorSpec

FLOAT, INT, TEXT = (dtype_from_name(name) for name in ("float32", "int64", "string"))
ENTRIES = {
    "w": TensorSpec(FLOAT, (4, 6)),
    "v": TensorSpec(FLOAT, (6,)),
    "k": TensorSpec(FLOAT, (3, 3, 2, 5)),
    "n": TensorSpec(INT, (4,)),
    "s": TensorSpec(TEXT, ()),
}
INVENTORY = Inventory("x", "npz", Family.ARRAYS, (), {key: Entry(key, spec) for key, spec in ENTRIES.items()})

WRONG: list[tuple[Op, str]] = [
    (Rename("w", ""), "the new key is empty"),
    (Rename("w", "v"), "v exists already"),
    (Rename("no", "x"), "there is no no"),
    (Reshape("w", (5, 5)), "24 elements"),
    (Reshape("w", (-4, -6)), "elements"),
    (Transpose("w", (0, 0)), "no permutation"),
    (Cast("s", FLOAT), "string elements cannot be cast"),
    (Cast("w", TEXT), "string elements cannot be cast"),
    (Multiply("n", 2.0), "int64 elements are not computed with"),
    (Sum("w", 2), r"axis 2 of \[4,6\]"),
    (Sum("n", 0), "not computed with"),
    (Rows("w", (0, 4)), "rows 0 to 4 of 4"),
    (Rows("w", (-2,)), "rows -2 to -2 of 4"),
    (Rows("n", (-1,)), "not computed with"),
    (Rows("w", (-1,), stddev=-1.0), "a deviation of -1"),
    (Rows("s", ()), "axis 0"),
    (Spread("w"), "no kernel"),
    (Gather("k"), "no kernel"),
    (Slice("w", 1, 3, 9, "x"), "positions 3 to 9 of 6"),
    (Slice("w", 5, 0, 1, "x"), "axis 5"),
    (Slice("w", 1, 0, 1, "v"), "v exists already"),
    (Concat((), 0, "x"), "no parts"),
    (Concat(("w", "v"), 0, "x"), "beside"),
    (Concat(("w", "n"), 0, "x"), "beside"),
    (Concat(("k", "k"), 7, "x"), "axis 7"),
    (Partition("w", 0, 5), "5 parts of 4"),
    (Partition("w", 0, 0), "0 parts of 4"),
    (Initialise("x", FLOAT, (-1,)), "with a deviation"),
    (Initialise("x", INT, (2,), stddev=1.0), "int64 elements cannot be drawn"),
    (Initialise("x", TEXT, (2,)), "string elements cannot be drawn"),
    (Initialise("w", FLOAT, (2,)), "w exists already"),
    (FoldScale("k", "v", "", 0.1), "for the outputs of"),
    (FoldScale("n", "v", "", 0.1), "not computed with"),
    (FoldShift("b", "v", "w", "", "", "", 0.1), "beside"),
]


@pytest.mark.parametrize(("op", "said"), WRONG, ids=lambda value: value.verb if hasattr(value, "verb") else None)
def test_a_step_that_does_not_fit_is_named(op: Op, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        derive(Plan("x", (Drop("s"), op) if op.key != "s" else (op,)), INVENTORY)
    assert f"({op.verb} " in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no plan"),
        ("[", "is no plan"),
        ('schema = "ckptdoctor.conversion/1"\nstep = 3', "no list of steps"),
        ('schema = "ckptdoctor.conversion/1"\n[[step]]\nop = "fly"', "op is 'fly'"),
        ('schema = "ckptdoctor.conversion/1"\n[[step]]\nop = 3', "op is 3"),
        ('schema = "ckptdoctor.conversion/1"\n[[step]]\nop = "drop"', "key is None"),
        ('schema = "ckptdoctor.conversion/1"\n[[step]]\nop = "sum"\nkey = "w"\naxis = true', "axis is True"),
        ('schema = "ckptdoctor.conversion/1"\n[[step]]\nop = "multiply"\nkey = "w"\nfactor = "x"', "factor is 'x'"),
        ('schema = "ckptdoctor.conversion/1"\n[[step]]\nop = "cast"\nkey = "w"\ndtype = "float7"', "dtype is 'float7'"),
        ('schema = "ckptdoctor.conversion/1"\n[[step]]\nop = "describe"\nkey = "w"\ndata = "?"', "data is '?'"),
    ],
)
def test_a_file_that_is_no_plan(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(text)
    with pytest.raises(UsageError, match=said):
        read_plan(tmp_path / "plan.toml")


def run(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return " ".join(result.output.split())


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("refusals") / "a.npz"
    values = {
        "a/kernel": (3, 3, 3, 8),
        "b/kernel": (3, 3, 4, 8),
        "m/kernel": (18, 5),
        "m/bias": (5,),
        "p/kernel": (18, 6),
        "p/bias": (6,),
        "emb": (4, 6),
    }
    np.savez(path, **{key: np.ones(shape, np.float32) for key, shape in values.items()})
    (path.parent / "old.txt").write_text("a\nb\nc\nd\n")
    (path.parent / "other.txt").write_text("a\nb\n")
    (path.parent / "latin.txt").write_bytes(b"\xff\xfe")
    (path.parent / "names.toml").write_text("a = 3\n")
    (path.parent / "three.txt").write_text("a b c\n")
    return path


WISHES = [
    (["--input-channels", "-1"], "which kernel takes the image|--input-channels -1"),
    (["--input-channels", "1"], "which kernel takes the image? Fitting: a/kernel, b/kernel"),
    (["--input-channels", "3", "--only", "a/*"], "takes 3 channels already"),
    (["--input-channels", "2", "--only", "a/*"], "which 2 of them are meant"),
    (["--input-channels", "-2", "--only", "a/*"], "--input-channels -2"),
    (["--whole"], "no partitioned variable"),
    (["--partition", "a"], "is not KEY=PARTS"),
    (["--partition", "no=2"], "matches no key"),
    (["--partition", "emb=9"], "9 parts of 4"),
    (["--optimizer", "drop"], "holds no optimizer's state"),
    (["--cudnn-to-plain"], "has no CuDNN layer"),
    (["--ema"], "holds no moving averages"),
    (["--dtype", "float32"], "of another type"),
    (["--depthwise-to-conv"], "which kernels"),
    (["--conv-to-depthwise", "--only", "emb"], "names no kernel"),
    (["--kernels", "theano:tensorflow", "--only", "no"], "matches no key"),
    (["--conv-to-dense", "--only", "emb"], "names no convolution kernel"),
    (["--conv-to-dense", "--only", "no"], "matches no key"),
    (["--dense-to-conv", "--kernel", "7x7"], "which matrix took a 7x7 map"),
    (["--dense-to-conv", "--kernel", "3x3"], "which matrix took a 3x3 map"),
    (["--dense-to-conv", "--kernel", "4x4", "--only", "m/*"], "18 rows are not 4·4"),
    (["--dense-to-conv", "--kernel", "4"], "is not HxW"),
    (["--vocabulary", "{old}", "{latin}"], "cannot be read"),
    (["--vocabulary", "{none}", "{old}"], "cannot be read"),
    (["--vocabulary", "{other}", "{old}"], "has no table of 2 rows"),
    (["--vocabulary", "{other}", "{old}", "--only", "emb"], "has no axis of 2"),
    (["--vocabulary", "{old}", "{other}", "--new-rows", "many"], "--new-rows"),
    (["--rename", "a"], "REGEX=REPLACEMENT"),
    (["--rename", "(=x"], "--rename"),
    (["--rename", "a=\\2"], "--rename"),
    (["--rename", "zzz=y"], "matches no key"),
    (["--rename", "^[mp]/=x/"], "would both become"),
    (["--rename", "^m/=p/"], "exists already"),
    (["--map", "{none}"], "cannot be read"),
    (["--map", "{names}"], "no table of names"),
    (["--map", "{three}"], "is not two names"),
    (["--map", "{old2}"], "no key of"),
    (["--undo"], "--undo undoes a plan"),
    (["--plan", "{none}"], "is no plan"),
]


@pytest.mark.parametrize(
    ("options", "said"), WISHES, ids=lambda value: " ".join(value) if isinstance(value, list) else None
)
def test_a_wish_that_cannot_be_fulfilled(options: list[str], said: str, source: Path, tmp_path: Path) -> None:
    (source.parent / "old2.txt").write_text("x y\n")
    files = {
        name: str(source.parent / f"{name}.{'toml' if name == 'names' else 'txt'}")
        for name in ("old", "other", "latin", "none", "names", "three", "old2")
    }
    output = run("convert", source, tmp_path / "out", *(option.format(**files) for option in options), code=2)
    assert any(part in output for part in said.split("|")), output
    assert not list(tmp_path.iterdir())


def test_tables_of_names_are_read(source: Path, tmp_path: Path) -> None:
    (tmp_path / "names.toml").write_text('"emb" = "table"\n')
    (tmp_path / "names.json").write_text('{"emb": "table"}')
    for name in ("names.toml", "names.json"):
        run("convert", source, tmp_path / f"{name}.npz", "--map", tmp_path / name)
        with np.load(tmp_path / f"{name}.npz") as archive:
            assert "table" in archive


def test_named_kernels_become_convolutions(source: Path, tmp_path: Path) -> None:
    run("convert", source, tmp_path / "a.npz", "--dense-to-conv", "--kernel", "3x3", "--only", "m/*")
    with np.load(tmp_path / "a.npz") as archive:
        assert archive["m/kernel"].shape == (3, 3, 2, 5)
        assert archive["p/kernel"].shape == (18, 6)


def test_a_graph_that_shares_nothing_makes_no_checkpoint(source: Path, tmp_path: Path) -> None:
    graph = tmp_path / "graph.py"
    graph.write_text(
        "import tensorflow as tf\nclass Net(tf.Module):\n    def __init__(self):\n"
        "        self.q = tf.Variable(tf.zeros([97, 89]), name='q')\nnet = Net()\n"
    )
    output = run("convert", source, tmp_path / "out", "--graph", graph, code=2)
    assert "holds none of the variables" in output
    output = run("convert", source, tmp_path / "out.weights.h5", "--graph", graph, code=2)
    assert "holds none of the model's weights" in output
