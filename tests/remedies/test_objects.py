"""Remedies for programs that restore by objects: other attributes, and objects that nothing is stored for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ckptdoctor.alignment.alignment import align
from ckptdoctor.diagnosis.diagnosis import diagnose
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.graphs.reading import read_graph
from tests.conftest import COUNTED
from tests.remedies.harness import Programs, values_in
from tests.remedies.values import own_value, stored_value

GRAPH = """
import tensorflow as tf

class Part(tf.Module):
    def __init__(self, *shape):
        super().__init__()
        self.w = tf.Variable(tf.zeros(shape))
        self.b = tf.Variable(tf.zeros(shape[-1:]))

def build():
    return tf.train.Checkpoint(model=Part(3, 4), head=Part(4, 2))
"""
PARTS = ("model", "head")
FILL = """
for part in ("model", "head"):
    for name in ("w", "b"):
        variable = getattr(getattr(checkpoint, part), name)
        variable.assign(VALUE(f"{part}/{name}", variable.shape, "float32"))
"""
READ = """
values = {f"{part}/{name}": getattr(getattr(checkpoint, part), name).numpy() for part in ("model", "head") for name in "wb"}
"""
SAVED = {
    "net": ("tf.train.Checkpoint(net=checkpoint.model, head=checkpoint.head)", ("model", "head")),
    "no identifier": (
        "tf.train.Checkpoint(**{'layer_with_weights-0': checkpoint.model}, head=checkpoint.head)",
        ("model", "head"),
    ),
    "a part is not there": ("tf.train.Checkpoint(model=checkpoint.model)", ("model",)),
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("objects")
    (path / "graph.py").write_text(GRAPH)
    return path


@pytest.mark.parametrize("saved", SAVED)
def test_what_is_printed_restores_the_objects(
    saved: str, programs: Programs, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(directory)
    root, stored = SAVED[saved]
    program = f"{GRAPH}\ncheckpoint = build()\n{FILL}"
    written = f"{root}.write('model.ckpt')"
    error = programs.ask("run", directory=str(directory), code=f"{program.replace('VALUE', 'stored_value')}\n{written}")
    assert not error, error
    diagnosis = diagnose(align(read_graph("graph.py:build"), open_checkpoint("model.ckpt").inventory), "graph.py:build")
    codes = {str(item.code) for finding in diagnosis.diagnostics for item in finding.remedies if item.code}
    assert codes
    for code in codes:
        COUNTED["remedies carried out"] += 1
        file = str(directory / "values.npz")
        run = f"{program.replace('VALUE', 'own_value')}\n{code}\n{READ}"
        error = programs.ask("run", directory=str(directory), code=run, values=file)
        assert not error, f"{code}\n{error}"
        for name, value in values_in(Path(file)).items():
            wanted = stored_value if name.partition("/")[0] in stored else own_value
            np.testing.assert_array_equal(value, wanted(name, value.shape, "float32"), f"{name} after {code}")
