"""Remedies for the situations of other people, read where they are, and for files that a Saver does not restore."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ckptdoctor.alignment.alignment import align
from ckptdoctor.diagnosis.diagnosis import Diagnosis, diagnose
from ckptdoctor.diagnosis.diagnostic import Remedy
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.graphs.meta_graph import read_meta_graph
from ckptdoctor.graphs.reading import read_graph
from tests.conftest import COUNTED, SHARED
from tests.remedies.expected import restored_by_code
from tests.remedies.harness import Programs, build, run_command, values_in
from tests.remedies.values import own_value

SITUATIONS = SHARED / "situations"
needs_situations = pytest.mark.skipif(not SITUATIONS.is_dir(), reason=f"no situations at {SITUATIONS}")

# The graph of each, the file, and what the program calls its model.
OF_KERAS = {
    "another head": ("keras-loads", "head5.py:build", "func.weights.h5", "build"),
    "another head, legacy": ("keras-loads", "head5.py:build", "func_legacy.h5", "build"),
    "another backbone": ("csbdeep-82-new-backbone", "stardist.py:model", "out/weights_best.h5", "model"),
}


@needs_situations
@pytest.mark.parametrize("name", OF_KERAS)
def test_a_printed_line_loads_all_that_fits(
    name: str, programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, graph, file, builder = OF_KERAS[name]
    shutil.copytree(SITUATIONS / folder, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    source = Path(graph.partition(":")[0]).read_text("utf-8")
    Path("graph.py").write_text(source if builder == "build" else f"{source}\nbuild = {builder}\n")
    opened = open_checkpoint(file)
    diagnosis = diagnose(align(read_graph(graph), opened.inventory), graph)
    lines = {str(item.code) for item in _remedies(diagnosis) if item.code and "load_weights" in str(item.code)}
    assert len(lines) == 1
    fitting = {pair.variable.key: pair.entry.key for pair in diagnosis.alignment.pairs if pair.same_shape}
    for line in lines:
        COUNTED["remedies carried out"] += 1
        error = programs.ask("run with keras", directory=str(Path.cwd()), code=line, values=str(tmp_path / "v.npz"))
        assert not error, f"{line}\n{error}"
        values = values_in(tmp_path / "v.npz")
        assert fitting.keys() < values.keys()
        for variable, value in values.items():
            wanted = (
                _stored(file, fitting[variable]) if variable in fitting else own_value(variable, value.shape, "float32")
            )
            np.testing.assert_array_equal(value, wanted, f"{variable} after {line}")


def _stored(file: str, key: str) -> np.ndarray:
    import h5py

    with h5py.File(file) as opened:
        value: np.ndarray = opened[key][()]
    return value


@needs_situations
@pytest.mark.parametrize("name", ["leaveout", "prefix", "map", "map2", "width", "widthclass", "kernel"])
def test_a_restore_that_is_printed_for_a_pair_restores_all_that_fits(
    name: str, programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in (SITUATIONS / "diff-pairs").glob(f"{name}_*"):
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    diagnosis = diagnose(align(read_graph(f"{name}_g"), open_checkpoint(f"{name}_c").inventory), f"{name}_g")
    read = "reader = tf.train.load_checkpoint(PATH)\nvalues = {k: reader.get_tensor(k) for k in reader.get_variable_to_shape_map()}"
    assert not programs.ask(
        "run", directory=str(tmp_path), code=read.replace("PATH", repr(f"{name}_c")), values=str(tmp_path / "s.npz")
    )
    _carry_out(diagnosis, values_in(tmp_path / "s.npz"), programs, tmp_path)


HEAD = Example(
    "a/kernel [3,4]\na/bias [4]\nb/kernel [4,4]\nb/bias [4]\nhead/kernel [4,3]\nhead/bias [3]",
    "a/kernel [3,4]\na/bias [4]\nb/kernel [4,4]\nb/bias [4]\nhead/kernel [4,9]\nhead/bias [9]",
)
_VALUES = "values = {k: stored_value(k, shape, dtype) for k, (shape, dtype) in ENTRIES.items()}\n"
FILES = {
    "model.npz": "np.savez('model.npz', **values)",
    "model.safetensors": "from safetensors.numpy import save_file\nsave_file(values, 'model.safetensors')",
    "model.h5": (
        "import keras, h5py\nfrom keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group\n"
        "model = keras.Sequential([keras.Input((3,)), *(keras.layers.Dense(n, name=name) "
        "for name, n in (('a', 4), ('b', 4), ('head', 9)))])\n"
        "for v in model.weights:\n    v.assign(values[v.path.split('/', 1)[-1] if v.path.count('/') > 1 else v.path])\n"
        "with h5py.File('model.h5', 'w') as file:\n    save_weights_to_hdf5_group(file, model)"
    ),
    "model.objects-1": (
        "root = tf.train.Checkpoint()\nfor layer in ('a', 'b', 'head'):\n    part = tf.Module()\n"
        "    part.kernel = tf.Variable(values[f'{layer}/kernel'])\n    part.bias = tf.Variable(values[f'{layer}/bias'])\n"
        "    setattr(root, layer, part)\nroot.save('model.objects')"
    ),
}  # fmt: skip


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_no_saver_restores_is_converted_first(
    file: str, programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = build(programs, HEAD, tmp_path)
    monkeypatch.chdir(tmp_path)
    code = _VALUES.replace("ENTRIES", repr(built.entries)) + FILES[file]
    error = programs.ask("run", directory=str(tmp_path), code=code)
    assert not error, error
    diagnosis = diagnose(align(read_meta_graph(Path("graph.meta")), open_checkpoint(file).inventory), "graph.meta")
    stored = {key: built.stored(key) for key in built.entries}
    names = {variable: pair.variable.name for pair in diagnosis.alignment.pairs for variable in [pair.entry.key]}
    done = _carry_out(diagnosis, {key: stored[names[key]] for key in names}, programs, tmp_path)
    assert done


def _carry_out(diagnosis: Diagnosis, stored: dict[str, np.ndarray], programs: Programs, directory: Path) -> int:
    """Commands are run; a restore gives every variable that fits what is stored, and leaves the others; how many did."""
    variables = {
        item.name: {"shape": item.spec.shape, "dtype": str(item.spec.dtype), "resource": False, "op": ""}
        | {"input": None, "flattened": None, "padding": ""}
        for item in diagnosis.alignment.graph.variables
    }
    expected = restored_by_code(diagnosis.alignment)
    restored = 0
    for remedy in _remedies(diagnosis):
        COUNTED["remedies carried out"] += 1
        if remedy.command:
            for written in directory.glob("*_fitted*"):
                written.unlink()
            done = run_command(remedy.command, directory)
            assert done.returncode in (0, 1), f"{remedy.command}\n{done.stderr}"
            continue
        code = str(remedy.code)
        values = str(directory / "values.npz")
        error = programs.ask("run in graph", directory=str(directory), variables=variables, code=code, values=values)
        assert not error, f"{code}\n{error}"
        restored += 1
        for name, value in values_in(Path(values)).items():
            shape, dtype = variables[name]["shape"], str(variables[name]["dtype"])
            wanted = stored[expected[name]] if name in expected else own_value(name, shape, dtype)
            np.testing.assert_array_equal(value, wanted, f"{name} after {code}")
    return restored


def _remedies(diagnosis: Diagnosis) -> list[Remedy]:
    """Each once, in the order in which they are printed."""
    printed = {remedy.said: remedy for finding in diagnosis.diagnostics for remedy in finding.remedies if remedy.paste}
    return list(printed.values())
