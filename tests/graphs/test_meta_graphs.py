"""`.meta` files: the keys of the save operation, without TensorFlow."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckptdoctor.errors import FormatError
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.graphs.meta_graph import read_meta_graph
from tests.conftest import SHARED

REAL = SHARED / "real"


def _metas() -> list[str]:
    return [str(path.relative_to(REAL)) for path in sorted(REAL.rglob("*.meta"))] if REAL.is_dir() else []


@pytest.mark.parametrize("name", _metas())
def test_a_real_graph_matches_the_checkpoint_saved_with_it(name: str) -> None:
    path = REAL / name
    graph = read_meta_graph(path)
    try:
        entries = open_checkpoint(str(path).removesuffix(".meta")).inventory.entries
    except FormatError:
        pytest.skip("no readable checkpoint beside it")
    assert {v.key: v.spec for v in graph.variables} == {key: entry.spec for key, entry in entries.items()}


@pytest.mark.parametrize("resource", [False, True])
def test_a_savers_name_map_gives_the_keys(tmp_path: Path, resource: bool) -> None:
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 3])
        w = v1.get_variable("w", [3, 5], use_resource=resource)
        part = v1.get_variable("p", [10, 2], partitioner=v1.fixed_size_partitioner(2), use_resource=resource)
        tf.matmul(x, w)
        session.run(v1.global_variables_initializer())
        v1.train.Saver({"renamed": w, "whole": list(part)}).save(session, str(tmp_path / "m"))
    graph = read_meta_graph(tmp_path / "m.meta")
    found = {v.key: v for v in graph.variables}
    assert found["renamed"].name == "w"
    assert found["renamed"].trainable
    assert found["renamed"].resource is resource
    assert found["renamed"].consumer and found["renamed"].consumer.op == "MatMul"
    assert found["whole"].spec.shape == (10, 2)


def test_what_is_no_meta_graph_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.meta").write_bytes(b"\xff\xff\xff no graph")
    with pytest.raises(FormatError, match=r"x\.meta"):
        read_meta_graph(tmp_path / "x.meta")
