"""Every remedy of every rule's examples is carried out in a real program, and the variables are looked at afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from ckptdoctor.alignment.alignment import align
from ckptdoctor.diagnosis.diagnosis import Diagnosis, diagnose
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.rules import RULES
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.graphs.meta_graph import read_meta_graph
from tests.conftest import COUNTED
from tests.remedies.expected import carried_out, restored_by_code
from tests.remedies.harness import Built, Programs, build, run_command, values_in

EXAMPLES = [
    pytest.param(rule, example, id=f"{rule.RULE.name}-{number}")
    for rule in RULES
    for number, example in enumerate(rule.FIRES)
    # What a loader does with a file of Keras's, or with damage, no Saver's graph and bundle can show.
    if not rule.RULE.code.startswith(("CKD0", "CKD4"))
]

MORE = {
    "a variable that is called as a scope is": Example(
        "net [3,3]\nnet/a/w [2,2]\nnet/a/b [2]\nnetwork/w [2,2]",
        "net [3,4]\nnet/a/w [2,2]\nnet/a/b [2]\nnetwork/w [2,2]",
    ),
    "numbers of which one starts as another": Example(
        "Variable [2,3]\nVariable_1 [3,5]\nVariable_10 [3,3]\nVariable_1/Adam [3,5]\nVariable_10/Adam [3,3]",
        "Variable [2,3]\nVariable_1 [3,6]\nVariable_10 [3,3]\nVariable_1/Adam [3,6]\nVariable_10/Adam [3,3]",
    ),
    "a layer goes as a whole": Example(
        "n/a/weights [3,3,2,4]\nn/a/biases [4]\nn/a/BatchNorm/gamma [4]\nn/ab/weights [4,4]\nn/ab/biases [4]\nn/o/w [2,2]",
        "n/a/weights [3,3,9,4]\nn/a/biases [4]\nn/a/BatchNorm/gamma [4]\nn/ab/weights [4,4]\nn/ab/biases [4]\nn/o/w [2,2]",
    ),
    "two layers that do not fit": Example(
        "n/a/w [3,5]\nn/b/w [5,5]\nn/logits/w [5,3]\nn/logits/b [3]",
        "n/a/w [4,5]\nn/b/w [5,5]\nn/logits/w [5,9]\nn/logits/b [9]",
    ),
    "resource variables": Example(
        "n/a/w [3,5] resource\nn/logits/w [5,3] resource\nn/logits/b [3] resource",
        "n/a/w [3,5]\nn/logits/w [5,9]\nn/logits/b [9]",
    ),
    "a scope with slots": Example(
        "model/a/w [3,4]\nmodel/b/w [4,2]\nmodel/a/w/Adam [3,4]\nmodel/b/w/Adam [4,2]\nglobal_step [] int64",
        "net/a/w [3,4]\nnet/b/w [4,2]",
    ),
    "a scope whose slots are stored, too": Example(
        "model/a/w [3,4]\nmodel/b/w [4,2]\nmodel/a/w/Adam [3,4]\nmodel/b/w/Adam [4,2]",
        "net/a/w [3,4]\nnet/b/w [4,2]\nnet/a/w/Adam [3,4]\nnet/b/w/Adam [4,2]",
    ),
    "a scope and another head": Example(
        "model/a/w [3,4]\nmodel/b/w [4,2]\nmodel/logits/w [2,5]\nmodel/logits/b [5]",
        "net/a/w [3,4]\nnet/b/w [4,2]\nnet/logits/w [2,7]\nnet/logits/b [7]",
    ),
    "many slots that are not stored": Example(
        "\n".join(f"n/l{i}/w [2,{i}]\nn/l{i}/w/Adam [2,{i}]\nn/l{i}/w/Adam_1 [2,{i}]" for i in range(1, 9))
        + "\nbeta1_power []",
        "\n".join(f"n/l{i}/w [2,{i}]" for i in range(1, 9)),
    ),
    "nothing that could be restored": Example("a/w [2,3]\na/w/Adam [2,3]", "a/w [5,4]"),
    "only slots": Example("a/w [2,3]\na/w/Adam [2,3]\na/w/Adam_1 [2,3]", "a/w/Adam [2,3]"),
    "beta beside gamma": Example(
        "n/a/gamma [4]\nn/a/beta [4]\nn/b/gamma [4]\nn/b/beta [4]",
        "\n".join(f"t{i}/{layer}/{role} [4]" for i in (0, 1) for layer in "ab" for role in ("beta", "gamma")),
    ),
    "averages beside what has none": Example(
        "a/w [2,3]\nb/w [3,4]\nb/bn/moving_mean [4]\nglobal_step [] int64",
        "a/w/ExponentialMovingAverage [2,3]\nb/w/ExponentialMovingAverage [3,4]\nb/bn/moving_mean [4]",
    ),
    "convolutions for matrices beside another head": Example(
        "n/fc6/weights [98,16] MatMul input [?,98] flattened [?,7,7,2] as HWC\nn/fc6/biases [16]\n"
        "n/fc7/weights [16,16]\nn/fc7/biases [16]\nn/fc8/weights [16,3]\nn/fc8/biases [3]",
        "n/fc6/weights [7,7,2,16]\nn/fc6/biases [16]\nn/fc7/weights [1,1,16,16]\nn/fc7/biases [16]\n"
        "n/fc8/weights [16,9]\nn/fc8/biases [9]",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_what_is_printed_for_an_example_does_what_it_says(
    rule: ModuleType, example: Example, programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    diagnosis = _carry_out(example, programs, tmp_path, monkeypatch)
    assert rule.RULE.code in {item.rule.code for item in diagnosis.diagnostics}


@pytest.mark.parametrize("example", MORE.values(), ids=MORE)
def test_what_is_printed_for_a_corner_does_what_it_says(
    example: Example, programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _carry_out(example, programs, tmp_path, monkeypatch).diagnostics


def _carry_out(example: Example, programs: Programs, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Diagnosis:
    monkeypatch.chdir(directory)
    built = build(programs, example, directory)
    inventory = open_checkpoint("model.ckpt").inventory
    diagnosis = diagnose(align(read_meta_graph(Path("graph.meta")), inventory), "graph.meta")
    for finding in diagnosis.diagnostics:
        for remedy in finding.remedies:
            if remedy.paste is None:
                continue
            COUNTED["remedies carried out"] += 1
            if remedy.command:
                _try_command(remedy, finding, diagnosis, programs, built)
            elif "restore(" in str(remedy.code) or "init_fn" in str(remedy.code):
                _try_restore(remedy, diagnosis, programs, built)
            else:
                _try_code(remedy, finding, programs, built)
    return diagnosis


def _try_restore(remedy: Remedy, diagnosis: Diagnosis, programs: Programs, built: Built) -> None:
    """All that fits holds what is stored, and the rest what it had."""
    code = str(remedy.code)
    values = _run(code, programs, built)
    if "average" in remedy.title or "ExponentialMovingAverage" in code:
        stored = {**{key: key for key in built.entries}, **_averages(built)}
        expected = {name: stored[name] for name in values if name in stored}
    else:
        expected = restored_by_code(diagnosis.alignment, reshape="reshape" in code)
    assert expected, code
    for name, value in values.items():
        shape = built.variables[name]["shape"]
        wanted = built.stored(expected[name]).reshape(shape) if name in expected else built.own(name)
        np.testing.assert_array_equal(value, wanted, f"{name} after {code}")


def _averages(built: Built) -> dict[str, str]:
    end = "/ExponentialMovingAverage"
    return {key.removesuffix(end): key for key in built.entries if key.endswith(end)}


def _run(code: str, programs: Programs, built: Built) -> dict[str, np.ndarray]:
    file = built.directory / "values.npz"
    error = programs.ask(
        "run in graph", directory=str(built.directory), variables=built.variables, code=code, values=str(file)
    )
    assert not error, f"{code}\n{error}"
    return values_in(file)


def _try_command(remedy: Remedy, finding: Diagnostic, diagnosis: Diagnosis, programs: Programs, built: Built) -> None:
    """What the finding is about holds the stored values, once a real Saver has restored it from what was written."""
    assert remedy.command
    output = remedy.command.arguments[3] if remedy.command.arguments[1] == "convert" else ""
    for file in built.directory.glob(f"{output}*" if output else ""):
        file.unlink()
    done = run_command(remedy.command, built.directory)
    assert done.returncode in (0, 1), f"{remedy.command}\n{done.stderr}"
    if not output:
        return
    stored = {key: built.stored(key) for key in built.entries}
    arguments = remedy.command.arguments
    if remedy.ops:
        expected = carried_out(remedy.ops, stored)
        written = {op.writes for op in remedy.ops if op.writes} & built.variables.keys()
        wanted = {name for name in written if expected[name].shape == tuple(built.variables[name]["shape"])}
    elif "--ema" in arguments:
        expected = {name: built.stored(key) for name, key in _averages(built).items()}
        wanted = expected.keys() & built.variables.keys()
    elif "--rename" in arguments:
        # A candidate's beta is never a gamma, and all of a layer comes from one candidate.
        renamed = _renamed(finding, diagnosis, built)
        expected, wanted = {name: built.stored(key) for name, key in renamed.items()}, set(renamed)
    else:
        expected = {name: built.stored(key) for name, key in restored_by_code(diagnosis.alignment).items()}
        wanted = expected.keys()
    assert wanted, remedy
    code = f"kept = [v for v in tf.compat.v1.global_variables() if v.op.name in {sorted(wanted)!r}]\n"
    values = _run(f"{code}tf.compat.v1.train.Saver(kept).restore(session, {output!r})", programs, built)
    for name, value in values.items():
        np.testing.assert_array_equal(value, expected[name] if name in wanted else built.own(name), name)


def _renamed(finding: Diagnostic, diagnosis: Diagnosis, built: Built) -> dict[str, str]:
    scope = finding.key.partition("/")[0]
    ambiguity = next(item for item in diagnosis.alignment.ambiguities if item.variables[0].name == finding.variable)
    ends = {variable.name: variable.name.partition("/")[2] for variable in ambiguity.variables}
    named = {name: f"{scope}/{end}" for name, end in ends.items()}
    if all(key in built.entries for key in named.values()):
        return named
    return {finding.variable: finding.key}


def _try_code(remedy: Remedy, finding: Diagnostic, programs: Programs, built: Built) -> None:
    """Code that builds: what it builds has the stored shape."""
    code = str(remedy.code)
    shapes = built.directory / "shapes.json"

    def builds(inputs: dict[str, list[int]], results: list[str], scope: str = "") -> list[Any]:
        error = programs.ask(
            "run builder", directory=str(built.directory), inputs=inputs, code=code, scope=scope,
            results=results, shapes=str(shapes),
        )  # fmt: skip
        assert not error, f"{code}\n{error}"
        loaded: list[Any] = json.loads(shapes.read_text())
        return loaded

    stored = finding.rhs.shape if finding.rhs else ()
    if "slim.conv2d" in code:
        *sides, channels, _ = stored
        made, _ = builds({"net": [-1, *sides, channels]}, [], finding.variable.split("/")[0])
        assert made[finding.key] == list(stored)
        assert made.keys() <= built.entries.keys()
    elif "tf.reshape" in code:
        made, results = builds({"net": [-1, 7, 7, 512]}, ["net"])
        assert results["net"][-1] == np.prod(stored[:-1])
    elif "grayscale_to_rgb" in code:
        made, results = builds({"images": [-1, 8, 8, 1]}, ["images"])
        assert results["images"][-1] == stored[-2]
    elif "tf.reduce_mean" in code:
        made, results = builds({"net": [-1, 4, 4, stored[0]]}, ["net"])
        assert results["net"] == [None, stored[0]]
    elif "reset_after" in code:
        program = f"import keras\ngru = keras.layers.GRU({stored[-1] // 3}, {code})\ngru.build((None, 5, 8))\n"
        program += f"assert {stored} in [tuple(v.shape) for v in gru.weights]"
        assert not programs.ask("run", directory=str(built.directory), code=program)
    elif code == "tf.compat.v1.reset_default_graph()":
        program = f"tf.compat.v1.Variable(1.0, name='a')\n{code}\nassert not tf.compat.v1.global_variables()"
        assert not programs.ask("run", directory=str(built.directory), code=program)
    elif code.startswith("saver = "):
        _run(f"{code}\nassert len(saver._var_list) == len(tf.compat.v1.global_variables())", programs, built)
    else:
        raise AssertionError(f"nobody has told how to try: {code}")
