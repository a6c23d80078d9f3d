"""Every V1 and V2 checkpoint of other projects: TensorFlow's own reader is the judge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ckptdoctor.errors import FormatError
from ckptdoctor.formats.format import Probe
from ckptdoctor.formats.locate import open_checkpoint
from tests.conftest import SHARED

REAL = SHARED / "real"


def _names() -> list[str]:
    if not REAL.is_dir():
        return []
    files = [path for path in sorted(REAL.rglob("*")) if path.is_file()]
    indexes = [path for path in files if path.name.endswith(".index")]
    return [str(path.relative_to(REAL)) for path in files if path in indexes or Probe(path).is_table]


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no real checkpoints at {REAL}; set CKPTDOCTOR_SHARED")
def test_there_are_real_checkpoints_of_both_formats() -> None:
    formats = set()
    for name in _names():
        try:
            formats.add(open_checkpoint(str(REAL / name)).inventory.format)
        except FormatError:
            continue
    assert formats == {"tensor bundle (V2)", "tensor bundle (V2, objects)", "TensorFlow V1"}


@pytest.mark.parametrize("name", _names())
def test_lists_and_reads_what_tensorflow_does(name: str) -> None:
    import tensorflow as tf

    path = str(REAL / name)
    oracle_name = path.removesuffix(".index")
    try:
        oracle = tf.compat.v1.train.NewCheckpointReader(oracle_name)
    except Exception:  # TensorFlow refuses it: so must we
        with pytest.raises(FormatError):
            open_checkpoint(path)
        return
    # A V1 file that shares its name with a bundle is reached by no name: both readers take the bundle.
    checkpoint = open_checkpoint(path)
    shapes = oracle.get_variable_to_shape_map()
    dtypes = oracle.get_variable_to_dtype_map()
    listed = {key: (list(e.spec.shape), e.spec.dtype.number) for key, e in checkpoint.inventory.entries.items()}
    assert listed == {key: (shapes[key], dtypes[key].as_datatype_enum) for key in shapes}
    for key in shapes:
        try:
            expected = oracle.get_tensor(key)
        except Exception:  # no data for it
            with pytest.raises(FormatError):
                checkpoint.read(key)
            continue
        value = checkpoint.read(key)
        if value.dtype == object:
            assert value.reshape(-1).tolist() == np.asarray(expected, dtype=object).reshape(-1).tolist()
        else:
            assert value.tobytes() == np.asarray(expected).tobytes()
            assert value.shape == np.asarray(expected).shape


def test_git_lfs_pointers_are_named_for_what_they_are(real: Path) -> None:
    pointers = [p for p in (real / "easyrec_lfs_pointers").rglob("*") if p.is_file() and p.name != "ORIGIN"]
    assert pointers
    for pointer in pointers:
        with pytest.raises(FormatError, match="git-lfs pointer") as caught:
            open_checkpoint(str(pointer))
        assert "git lfs pull" in caught.value.hint


def test_an_index_without_data_lists_and_says_what_is_missing(real: Path) -> None:
    checkpoint = open_checkpoint(str(real / "bert_zh_index_only" / "bert_model.ckpt"))
    assert "the data is missing" in " ".join(checkpoint.inventory.notes)
    with pytest.raises(FormatError, match=r"data-00000-of-00001.* is missing"):
        checkpoint.read(next(iter(checkpoint.inventory.entries)))


def test_a_missing_shard_is_named(real: Path) -> None:
    checkpoint = open_checkpoint(str(real / "dcgan_incomplete_shard" / "training_checkpoints"))
    problems = checkpoint.verify(lambda size: None)
    assert any("data-00001-of-00002" in problem.message for problem in problems)


def test_the_bundle_wins_over_a_v1_file_of_the_same_name(real: Path) -> None:
    import tensorflow as tf

    name = str(real / "siamese_mnist_v1_v2" / "model" / "model.ckpt")
    checkpoint = open_checkpoint(name)
    assert checkpoint.inventory.format == "tensor bundle (V2)"
    assert "both a V1 file and the prefix of a V2 bundle" in " ".join(checkpoint.inventory.notes)
    oracle = tf.compat.v1.train.NewCheckpointReader(name)
    key = next(iter(checkpoint.inventory.entries))
    assert checkpoint.read(key).tobytes() == oracle.get_tensor(key).tobytes()


def test_every_file_opens_or_is_refused_with_a_reason(real: Path) -> None:
    opened: dict[str, int] = {}
    refused: dict[str, int] = {}
    for path in sorted(real.rglob("*")):
        try:
            inventory = open_checkpoint(str(path)).inventory
            opened[inventory.format.split(" (")[0]] = opened.get(inventory.format.split(" (")[0], 0) + 1
        except FormatError as error:
            assert error.message
            assert error.hint, f"{path}: {error.message}"
            refused[type(error).__name__] = refused.get(type(error).__name__, 0) + 1
    assert {"tensor bundle", "TensorFlow V1", "Keras 3 weights", "Keras 1 weights"} & set(opened)
    assert set(refused) <= {"NotACheckpoint", "MissingData", "Corrupt", "FormatError"}
