"""Every operation of a plan: what it computes, what undoes it, and that a plan file keeps it.

An operation that has no sample here fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ckptdoctor.conversion.plan import Plan, inverted
from ckptdoctor.conversion.plan_file import read_plan, write_plan
from ckptdoctor.errors import UsageError
from ckptdoctor.executor.convert import convert
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.ops import (
    OPS,
    Cast,
    Concat,
    Describe,
    Drop,
    Fill,
    Flip,
    FoldScale,
    FoldShift,
    Gather,
    Initialise,
    Join,
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
from tests.formats import oracle


def spread(depthwise: np.ndarray) -> np.ndarray:
    """Element by element, as `tf.nn.depthwise_conv2d` numbers its outputs: channel · multiplier + number."""
    height, width, channels, multiplier = depthwise.shape
    kernel = np.zeros((height, width, channels, channels * multiplier), depthwise.dtype)
    for index in np.ndindex(depthwise.shape):
        row, column, channel, number = index
        kernel[row, column, channel, channel * multiplier + number] = depthwise[index]
    return kernel


def bfloat16(values: np.ndarray) -> bytes:
    """The upper halves of float32 numbers, rounded to nearest, ties to even."""
    bits = values.astype(np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16).tobytes()


def running(start: float, *shape: int) -> np.ndarray:
    """Numbers that all differ, and whose sums and halves float32 holds exactly."""
    return (start + 0.25 * np.arange(np.prod(shape))).reshape(shape).astype(np.float32)


W, V, K, D = running(1, 4, 6), running(50, 6), running(-9, 2, 3, 4, 6), running(3, 3, 2, 4, 2)
MEAN, VARIANCE, BETA, GAMMA = running(70, 6), running(80, 6), running(-20, 6), running(5, 6)
N = np.arange(10, 14, dtype=np.int64)
VALUES = {
    "w": W, "v": V, "k": K, "d": D, "s": spread(D), "n": N, "mean": MEAN, "variance": VARIANCE, "beta": BETA,
    "gamma": GAMMA, "text": np.array([b"one", b""], dtype=object),
}  # fmt: skip
EPSILON = 0.125
FACTOR = np.array([g / np.sqrt(v + EPSILON) for g, v in zip(GAMMA.tolist(), VARIANCE.tolist(), strict=True)])
PLAIN = np.array([1 / np.sqrt(v + EPSILON) for v in VARIANCE.tolist()])
FLOAT = dtype_from_name("float32")


@dataclass(frozen=True)
class Sample:
    """An operation on `VALUES`, and what it makes: an array, the bytes of one, or nothing; and whether it can be undone."""

    op: Op
    made: np.ndarray | bytes | None
    undone: bool = True


SAMPLES: tuple[Sample, ...] = (
    Sample(Rename("w", "a/w"), W),
    Sample(Rename("text", "words"), VALUES["text"]),
    Sample(Reshape("w", (2, 3, 4)), np.array(W.ravel().tolist(), np.float32).reshape(2, 3, 4)),
    Sample(Reshape("k", (24, 6)), np.stack([K[i, j, m] for i in range(2) for j in range(3) for m in range(4)])),
    Sample(Transpose("w", (1, 0)), np.array([[W[j, i] for j in range(4)] for i in range(6)])),
    Sample(Transpose("k", (3, 2, 0, 1)), np.einsum("abcd->dcab", K)),
    Sample(Flip("w", (1,)), np.stack([row[::-1] for row in W])),
    Sample(Flip("k", (0, 1)), np.flip(np.flip(K, 0), 1)),
    Sample(Cast("w", dtype_from_name("float64")), np.array([[float(x) for x in row] for row in W]), undone=False),
    Sample(Cast("w", dtype_from_name("int64")), np.trunc(W).astype(np.int64), undone=False),
    Sample(Cast("mean", dtype_from_name("bfloat16")), bfloat16(MEAN), undone=False),
    Sample(Multiply("w", 0.3), np.multiply(W, np.float32(0.3)), undone=False),
    Sample(Sum("w", 0), (W[0] + W[1] + W[2] + W[3])[None], undone=False),
    Sample(Sum("k", 2), (K[:, :, 0] + K[:, :, 1] + K[:, :, 2] + K[:, :, 3])[:, :, None], undone=False),
    Sample(Rows("w", (3, 0, 2, 1)), np.stack([W[3], W[0], W[2], W[1]])),
    Sample(Rows("w", (3, 0, -1, 1, 2, 0), mean=7.5), np.stack([W[3], W[0], np.full(6, 7.5), W[1], W[2], W[0]])),
    Sample(Rows("n", (0, 1, 1)), np.array([10, 11, 11]), undone=False),
    Sample(Spread("d"), spread(D)),
    Sample(Gather("s"), D),
    Sample(Join("w"), W, undone=False),
    Sample(Partition("w", 0, 3), W),
    Sample(Partition("k", 3, 4), K),
    Sample(Drop("w"), None, undone=False),
    Sample(Slice("w", 1, 2, 5, "x"), np.stack([W[:, 2], W[:, 3], W[:, 4]], axis=1)),
    Sample(Slice("n", 0, 1, 3, "x"), np.array([11, 12])),
    Sample(Concat(("v", "mean", "beta"), 0, "x"), np.array([*V, *MEAN, *BETA]), undone=False),
    Sample(Concat(("w", "w"), 1, "x"), np.array([[*row, *row] for row in W]), undone=False),
    Sample(Initialise("x", FLOAT, (2, 3), mean=1.5), np.array([[1.5] * 3] * 2, np.float32)),
    Sample(Initialise("x", FLOAT, (5,), 1.0, 2.0, 7), np.random.default_rng(7).normal(1.0, 2.0, 5).astype(np.float32)),
    Sample(Fill("x", dtype_from_name("int16"), (2,), b"\x01\x00\xff\xff"), np.array([1, -1], np.int16)),
    Sample(Describe("x", b"bytes \xff"), np.array(b"bytes \xff", dtype=object)),
    Sample(FoldScale("k", "variance", "gamma", EPSILON), K.astype(float) * FACTOR, undone=False),
    Sample(FoldScale("w", "variance", "", EPSILON), W.astype(float) * PLAIN, undone=False),
    Sample(FoldShift("b", "mean", "variance", "v", "beta", "gamma", EPSILON), BETA + (V - MEAN) * FACTOR, undone=False),
    Sample(FoldShift("b", "mean", "variance", "", "", "", EPSILON), -MEAN * PLAIN, undone=False),
)


def of(kind: type[Op]) -> list[Sample]:
    samples = [sample for sample in SAMPLES if type(sample.op) is kind]
    assert samples, f"{kind.verb} has no sample"
    return samples


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prefix = tmp_path_factory.mktemp("operations") / "source"
    oracle.save_raw(prefix, VALUES)
    return prefix


def contents(prefix: Path) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    checkpoint = open_checkpoint(str(prefix))
    stored = {}
    for key, entry in checkpoint.inventory.entries.items():
        value = checkpoint.read(key)
        data = b"|".join(value.ravel().tolist()) if entry.spec.dtype.name == "string" else value.tobytes()
        stored[key] = entry.spec.dtype.name, entry.spec.shape, data
    return stored


def run(source: Path, op: Op, output: Path) -> Path:
    convert(open_checkpoint(str(source)), Plan(str(source), (op,)), str(output))
    return output


@pytest.mark.parametrize("kind", OPS, ids=lambda kind: kind.verb)
def test_an_operation_makes_what_its_definition_says(kind: type[Op], source: Path, tmp_path: Path) -> None:
    before = contents(source)
    for number, sample in enumerate(of(kind)):
        after = contents(run(source, sample.op, tmp_path / str(number)))
        untouched = before.keys() - set(sample.op.removes) - {sample.op.writes}
        assert {key: after[key] for key in untouched} == {key: before[key] for key in untouched}
        assert after.keys() - untouched == ({sample.op.writes} if sample.made is not None else set())
        if sample.made is None:
            continue
        dtype, shape, data = after[sample.op.writes]
        if isinstance(sample.made, bytes):
            assert (dtype, data) == ("bfloat16", sample.made)
        elif dtype == "string":
            assert (shape, data) == (sample.made.shape, b"|".join(sample.made.ravel().tolist()))
        elif kind in (FoldScale, FoldShift):
            # Computed in double precision and rounded once.
            assert (dtype, shape) == ("float32", sample.made.shape)
            np.testing.assert_allclose(np.frombuffer(data, np.float32).reshape(shape), sample.made, rtol=1e-7)
        else:
            assert (shape, data) == (sample.made.shape, sample.made.astype(dtype).tobytes())


@pytest.mark.parametrize("kind", OPS, ids=lambda kind: kind.verb)
def test_an_operation_is_undone_to_the_same_bytes_or_says_why_not(kind: type[Op], source: Path, tmp_path: Path) -> None:
    for number, sample in enumerate(of(kind)):
        plan, inventory = Plan("x", (sample.op,)), open_checkpoint(str(source)).inventory
        if not sample.undone:
            with pytest.raises(UsageError, match=rf"step 1 \({kind.verb} .*\) cannot be undone"):
                inverted(plan, inventory)
            continue
        (inverse,) = inverted(plan, inventory).ops
        there = run(source, sample.op, tmp_path / f"{number}")
        assert contents(run(there, inverse, tmp_path / f"{number}-back")) == contents(source)
    if not any(sample.undone for sample in of(kind)):
        assert (kind.inverse.__doc__ or "").startswith("None: ")


@pytest.mark.parametrize("kind", OPS, ids=lambda kind: kind.verb)
@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_a_plan_file_keeps_an_operation(suffix: str, kind: type[Op], tmp_path: Path) -> None:
    plan = Plan("x", tuple(sample.op for sample in of(kind)), ("a note",))
    write_plan(plan, tmp_path / f"plan{suffix}")
    assert read_plan(tmp_path / f"plan{suffix}") == plan


def test_each_operation_has_a_verb_of_its_own() -> None:
    assert len({kind.verb for kind in OPS}) == len(OPS)
