"""The commands on the fixtures, as a user runs them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ckptdoctor.cli.app import app
from ckptdoctor.formats.locate import open_checkpoint
from tests.formats import oracle

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
CLASSIFIER = str(FIXTURES / "classifier.ckpt")
BOTTLENECK = str(FIXTURES / "bottleneck.ckpt")
IMAGES = ["--input", "images:Nx4x4x1"]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.chdir(FIXTURES)


def run(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result.output


def diff_json(*arguments: str | Path, code: int = 1) -> dict[str, object]:
    return json.loads(run("diff", *arguments, "--format", "json", code=code))


def test_a_missing_flatten_and_a_convolution_are_named_at_their_lines() -> None:
    found = diff_json("unflattened.py", CLASSIFIER, *IMAGES)
    errors = {d["variable"]: d for d in found["diagnostics"] if d["severity"] == "error"}
    assert {name: d["name"] for name, d in errors.items()} == {
        "net/fc6/weights": "missing-flatten",
        "net/fc7/weights": "conv-for-dense",
        "net/logits/weights": "conv-for-dense",
    }
    source = Path("unflattened.py").read_text().splitlines()
    for name, diagnostic in errors.items():
        line = diagnostic["location"]["line"]
        assert f'scope="{name.split("/")[1]}"' in source[line - 1]
    assert errors["net/fc6/weights"]["lhs"]["shape"] == [4, 8]
    assert errors["net/fc6/weights"]["rhs"]["shape"] == [2, 2, 4, 8]
    assert found["summary"]["mismatched"] == 3


def test_what_belongs_to_training_is_recognised_and_breaks_nothing() -> None:
    found = diff_json("dense.py", CLASSIFIER, *IMAGES)
    names = [d["name"] for d in found["diagnostics"]]
    assert names.count("conv-for-dense") == 3
    assert {"optimizer-slots", "global-step"} <= set(names)
    assert all(d["severity"] == "info" for d in found["diagnostics"] if d["name"] != "conv-for-dense")


def test_convert_for_a_graph_then_diff_is_clean_and_tensorflow_agrees(tmp_path: Path) -> None:
    fitted = tmp_path / "fitted.ckpt"
    run("convert", CLASSIFIER, fitted, "--graph", "dense.py", *IMAGES)
    assert "The checkpoint fits the graph" in run("diff", "dense.py", fitted, *IMAGES)
    run("verify", fitted, "--graph", "dense.py", *IMAGES)
    output = run("verify", fitted, "--graph", "dense.py", "--same-as", "conv.py", CLASSIFIER, *IMAGES)
    assert "maximum absolute difference" in output
    before, after = oracle.read(CLASSIFIER), oracle.read(fitted)
    assert after["net/fc6/weights"].shape == (16, 8)
    # The slots go the way of their variable.
    assert after["net/fc6/weights/Momentum"].shape == (16, 8)
    assert {key: value.tobytes() for key, value in before.items()} == {key: v.tobytes() for key, v in after.items()}


def test_other_values_are_not_called_the_same(tmp_path: Path) -> None:
    oracle.save(tmp_path / "other", {k: v + 1 for k, v in oracle.read(CLASSIFIER).items()}, version=1)
    run("verify", CLASSIFIER, "--graph", "conv.py", "--same-as", "conv.py", tmp_path / "other", *IMAGES, code=1)


def test_verify_finds_a_checkpoint_that_does_not_fit() -> None:
    assert "failed" in run("verify", CLASSIFIER, "--graph", "dense.py", *IMAGES, code=1)


def test_dense_and_back_is_byte_identical(tmp_path: Path) -> None:
    first, dense, back = (tmp_path / name for name in ("first", "dense", "back"))
    run("convert", CLASSIFIER, first)
    run("convert", first, dense, "--conv-to-dense")
    assert oracle.read(dense)["net/fc6/weights"].shape == (16, 8)
    run("convert", dense, back, "--dense-to-conv", "--kernel", "2x2")
    for suffix in (".index", ".data-00000-of-00001"):
        assert Path(f"{back}{suffix}").read_bytes() == Path(f"{first}{suffix}").read_bytes()


def test_a_bottleneck_is_never_turned_into_a_matrix_silently(tmp_path: Path) -> None:
    output = run("convert", BOTTLENECK, tmp_path / "out", "--conv-to-dense")
    assert "net/unit_1/conv1/weights [1,1,16,4] stays" in " ".join(output.split())
    shapes = {key: value.shape for key, value in oracle.read(tmp_path / "out").items()}
    assert shapes["net/logits/weights"] == (16, 3)
    assert all(len(shapes[key]) == 4 for key in shapes if "conv" in key and key.endswith("weights"))
    run("convert", BOTTLENECK, tmp_path / "forced", "--conv-to-dense", "--only", "net/unit_*/conv1/weights")
    assert oracle.read(tmp_path / "forced")["net/unit_1/conv1/weights"].shape == (16, 4)


def test_a_plan_is_saved_edited_and_run(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    run("convert", CLASSIFIER, tmp_path / "no", "--conv-to-dense", "--plan", plan, "--dry-run")
    assert not list(tmp_path.glob("no*"))
    text = plan.read_text().replace("[[step]]", '[[step]]\nop = "drop"\nkey = "global_step"\n\n[[step]]', 1)
    text += '\n[[step]]\nop = "rename"\nkey = "net/fc7/weights"\nto = "net/dense/kernel"\n'
    text += '\n[[step]]\nop = "transpose"\nkey = "net/conv1/weights"\nperm = [3, 2, 0, 1]\n'
    text += '\n[[step]]\nop = "cast"\nkey = "net/fc6/biases"\ndtype = "float16"\n'
    plan.write_text(text)
    run("convert", CLASSIFIER, tmp_path / "yes", "--plan", plan)
    before, after = oracle.read(CLASSIFIER), oracle.read(tmp_path / "yes")
    assert "global_step" not in after
    assert after["net/dense/kernel"].tobytes() == before["net/fc7/weights"].tobytes()
    np.testing.assert_array_equal(after["net/conv1/weights"], before["net/conv1/weights"].transpose(3, 2, 0, 1))
    np.testing.assert_array_equal(after["net/fc6/biases"], before["net/fc6/biases"].astype(np.float16))
    assert open_checkpoint(str(tmp_path / "yes")).verify(lambda size: None) == []


def test_a_wrong_plan_names_its_step(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    step = {"op": "reshape", "key": "net/fc7/weights", "shape": [5]}
    plan.write_text(json.dumps({"schema": "ckptdoctor.conversion/1", "checkpoint": "x", "step": [step]}))
    output = run("convert", CLASSIFIER, tmp_path / "out", "--plan", plan, code=2)
    assert "step 1 (reshape net/fc7/weights): [1,1,8,8] has 64 elements, [5] has 5" in output


def test_link_shares_the_data(tmp_path: Path) -> None:
    run("convert", CLASSIFIER, tmp_path / "a")
    run("convert", tmp_path / "a", tmp_path / "b", "--conv-to-dense", "--link")
    assert (tmp_path / "a.data-00000-of-00001").samefile(tmp_path / "b.data-00000-of-00001")
    assert oracle.read(tmp_path / "b")["net/fc7/weights"].shape == (8, 8)


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    run("convert", CLASSIFIER, tmp_path / "a")
    assert "--force" in run("convert", CLASSIFIER, tmp_path / "a", code=3)
    run("convert", CLASSIFIER, tmp_path / "a", "--force")
    assert "the output is the checkpoint itself" in run("convert", tmp_path / "a", tmp_path / "a", "--force", code=2)


def test_the_output_is_found_by_its_directory(tmp_path: Path) -> None:
    import tensorflow as tf

    run("convert", CLASSIFIER, tmp_path / "a.ckpt")
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "a.ckpt")


def test_include_and_exclude_are_slims_scopes() -> None:
    found = diff_json("dense.py", CLASSIFIER, *IMAGES, "--include", "net/conv1", code=0)
    assert found["summary"]["matched"] == 2
    found = diff_json("dense.py", CLASSIFIER, *IMAGES, "--exclude", "net/fc", "--exclude", "net/logits", code=0)
    assert {v["key"] for v in found["variables"]} >= {"net/conv1/weights", "global_step"}
    assert not any("fc6" in v["key"] for v in found["variables"])


def test_another_class_count_leaves_the_head_out() -> None:
    found = diff_json("conv.py", CLASSIFIER, *IMAGES, "--arg", "classes=5")
    (diagnostic,) = [d for d in found["diagnostics"] if d["severity"] == "error"]
    assert diagnostic["name"] == "class-count"
    assert diagnostic["covers"] == ["net/logits/biases", "net/logits/weights"]
    assert any("exclude=['net/logits/']" in (remedy["code"] or "") for remedy in diagnostic["remedies"])


def test_a_dense_checkpoint_for_a_convolutional_graph(tmp_path: Path) -> None:
    run("convert", CLASSIFIER, tmp_path / "dense", "--conv-to-dense")
    found = diff_json("conv.py", tmp_path / "dense", *IMAGES)
    errors = [d for d in found["diagnostics"] if d["severity"] == "error"]
    assert [d["name"] for d in errors] == ["dense-for-conv"] * 3
    # The order of a flattened map's rows is not in a checkpoint; a 1x1 kernel has none.
    assert [d["remedies"][0]["safety"] for d in errors] == ["unsafe", "safe", "safe"]
    run("convert", tmp_path / "dense", tmp_path / "conv", "--graph", "conv.py", *IMAGES, "--unsafe")
    diff_json("conv.py", tmp_path / "conv", *IMAGES, code=0)


def test_another_checkpoint_can_be_the_graph(tmp_path: Path) -> None:
    diff_json(CLASSIFIER, CLASSIFIER, code=0)
    found = diff_json(BOTTLENECK, CLASSIFIER)
    assert found["graph"]["kind"] == "checkpoint"


def test_a_missing_input_comes_with_a_line_to_paste() -> None:
    output = run("diff", "dense.py", CLASSIFIER, code=2)
    assert "net() needs images" in output
    assert "--input images:Nx224x224x3" in output


def test_inspect_lists_what_tensorflow_lists() -> None:
    listed = json.loads(run("inspect", CLASSIFIER, "--format", "json"))
    assert listed["schema"] == "ckptdoctor.inspect/1"
    expected = {key: list(value.shape) for key, value in oracle.read(CLASSIFIER).items()}
    assert {v["name"]: v["shape"] for v in listed["variables"]} == expected
    assert "17 variables" in run("inspect", CLASSIFIER)


@pytest.mark.parametrize(
    "command", [[], ["diff"], ["convert"], ["verify"], ["check"], ["inspect"], ["demo"], ["explain"]]
)
def test_help_has_examples(command: list[str]) -> None:
    output = run(*command, "--help")
    assert "ckptdoctor" in output
    if command:
        assert "Examples" in output


def test_output_in_a_pipe_fits_80_columns_but_for_what_is_copied() -> None:
    output = run("diff", "unflattened.py", CLASSIFIER, *IMAGES, code=1)
    for line in output.splitlines():
        assert line == line.rstrip()
        copied = line.startswith((" " * 6, "graph", "checkpoint")) or " | " in line
        assert copied or len(line) <= 80, line
    assert "\x1b" not in output


def test_errors_have_no_traceback_and_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "page.ckpt").write_text("<!DOCTYPE html><html>sign in</html>")
    output = run("inspect", tmp_path / "page.ckpt", code=3)
    assert "a web page" in output
    assert "Traceback" not in output
    assert re.search(r"Did you mean \S*classifier\.ckpt", run("inspect", FIXTURES / "clasifier.ckpt", code=3))
