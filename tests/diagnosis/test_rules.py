"""Each rule on cases that fire it and cases that leave it silent, without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType

import pytest

from ckptdoctor.alignment.alignment import align
from ckptdoctor.conversion.from_diagnosis import plan_from_diagnosis
from ckptdoctor.conversion.plan import derive
from ckptdoctor.diagnosis.catalogue import pages
from ckptdoctor.diagnosis.diagnosis import Diagnosis, diagnose
from ckptdoctor.diagnosis.diagnostic import Rule
from ckptdoctor.diagnosis.outcome import outcome
from ckptdoctor.diagnosis.rules import RULES
from ckptdoctor.loaders.registry import default_load
from ckptdoctor.specs.command import Command
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.graph import Consumer, GraphKind, GraphSpec, Variable
from ckptdoctor.specs.inventory import Entry, Family, Inventory
from ckptdoctor.specs.tensor import Shape, TensorSpec


def variable(
    name: str, shape: Shape, *, consumer: Consumer | None = None, dtype: str = "float32", resource: bool = False
) -> Variable:
    return Variable(name, name, TensorSpec(dtype_from_name(dtype), shape), consumer=consumer, resource=resource)


def examine(variables: list[Variable], stored: Mapping[str, Shape], dtype: str = "float32") -> Diagnosis:
    entries = {key: Entry(key, TensorSpec(dtype_from_name(dtype), shape)) for key, shape in sorted(stored.items())}
    inventory = Inventory("m.ckpt", "tensor bundle (V2)", Family.TENSORFLOW, (), entries)
    graph = GraphSpec("g.py", GraphKind.TENSORFLOW_1, tuple(variables))
    return diagnose(align(graph, inventory), "g.py", load=default_load(graph, inventory))


def names(diagnosis: Diagnosis) -> list[str]:
    return [diagnostic.rule.name for diagnostic in diagnosis.diagnostics]


def conv(size: int, padding: str) -> Consumer:
    return Consumer("Conv2D", "conv/Conv2D", (-1, size, size, 32), padding, (1, 1, 1, 1), "NHWC")


def matmul(flattened: Shape | None = None, axes: str = "", rows: int = 1568) -> Consumer:
    return Consumer(
        "MatMul", "fc/MatMul", (-1, rows), producer="Reshape", flattened=flattened, flattened_axes=axes, moved_by=""
    )


@pytest.mark.parametrize(
    ("lhs", "consumer", "rhs", "found", "safety"),
    [
        ((64, 10), matmul(rows=64), (1, 1, 64, 10), "conv-for-dense", "safe"),
        ((1568, 64), None, (7, 7, 32, 64), "conv-for-dense", "unsafe"),
        ((1568, 64), matmul(), (7, 7, 32, 64), "conv-for-dense", "unsafe"),
        ((1568, 64), matmul((-1, 7, 7, 32)), (7, 7, 32, 64), "conv-for-dense", "unsafe"),
        ((1568, 64), matmul((-1, 7, 7, 32), "HWC"), (7, 7, 32, 64), "conv-for-dense", "safe"),
        ((1568, 64), matmul((-1, 7, 7, 32), "WHC"), (7, 7, 32, 64), "conv-for-dense", "unsafe"),
        ((1568, 64), matmul((-1, 14, 14, 8), "HWC"), (7, 7, 32, 64), "conv-for-dense", "unsafe"),
        ((1568, 64), matmul((-1, 32, 7, 7), "CHW"), (7, 7, 32, 64), "conv-for-dense", "unsafe"),
        ((64, 64), replace(matmul(rows=64), transposed=True), (1, 1, 64, 64), "conv-for-dense", "unsafe"),
        ((1, 1, 64, 10), None, (64, 10), "dense-for-conv", "safe"),
        ((1, 1, 64, 64), replace(conv(7, "VALID"), transposed=True), (64, 64), "dense-for-conv", "unsafe"),
        ((7, 7, 32, 64), conv(7, "VALID"), (1568, 64), "dense-for-conv", "unsafe"),
        ((7, 7, 32, 64), conv(7, "SAME"), (1568, 64), "dense-for-conv", "unsafe"),
        ((7, 7, 32, 64), conv(14, "VALID"), (1568, 64), "dense-for-conv", "unsafe"),
        ((7, 7, 32, 64), None, (1568, 64), "dense-for-conv", "unsafe"),
        ((512, 64), Consumer("Tensordot", "t", (-1, 7, 7, 512)), (7, 7, 512, 64), "missing-flatten", "display-only"),
        ((512, 64), None, (7, 7, 512, 64), "missing-flatten", "display-only"),
        ((512, 64), Consumer("Tensordot", "t", (-1, 7, 7, 512)), (25088, 64), "missing-flatten", "display-only"),
        ((512, 64), matmul(rows=512), (256, 64), "shape-mismatch", "display-only"),
        ((6, 4), None, (4, 6), "layout-transpose", "unsafe"),
        ((10,), None, (12,), "shape-mismatch", "display-only"),
    ],
)  # fmt: skip
def test_a_wrong_shape_has_its_cause(
    lhs: Shape, consumer: Consumer | None, rhs: Shape, found: str, safety: str
) -> None:
    # The classifier behind it keeps the layer from being the last one.
    layers = [variable("net/fc/weights", lhs, consumer=consumer), variable("net/logits/weights", (9, 9))]
    diagnosis = examine(layers, {"net/fc/weights": rhs, "net/logits/weights": (9, 9)})
    assert names(diagnosis) == [found]
    assert diagnosis.diagnostics[0].remedies[0].safety == safety
    assert not diagnosis.clean


def test_an_nchw_flatten_is_transposed_first() -> None:
    diagnosis = examine([variable("w", (1568, 64), consumer=matmul((-1, 32, 7, 7), "CHW"))], {"w": (7, 7, 32, 64)})
    assert [op.verb for op in diagnosis.diagnostics[0].remedies[0].ops] == ["transpose", "reshape"]


def test_what_was_not_seen_of_a_flatten_is_said() -> None:
    diagnosis = examine([variable("w", (1568, 64), consumer=matmul())], {"w": (7, 7, 32, 64)})
    assert "The flatten in front of this layer was not seen" in " ".join(diagnosis.diagnostics[0].evidence)
    unordered = examine([variable("w", (1568, 64), consumer=matmul((-1, 7, 7, 32)))], {"w": (7, 7, 32, 64)})
    assert "in an order that was not seen" in " ".join(unordered.diagnostics[0].evidence)


@pytest.mark.parametrize(
    ("lhs", "rhs"), [((64, 10), (64, 1000)), ((1, 1, 64, 10), (1, 1, 64, 1000)), ((64, 10), (1, 1, 64, 1000))]
)
def test_a_class_count_covers_its_bias(lhs: Shape, rhs: Shape) -> None:
    graph = [variable("net/out/weights", lhs), variable("net/out/biases", lhs[-1:])]
    diagnosis = examine(graph, {"net/out/weights": rhs, "net/out/biases": rhs[-1:]})
    assert names(diagnosis) == ["class-count"]
    assert diagnosis.diagnostics[0].covers == {"net/out/weights", "net/out/biases"}


def test_a_class_count_in_the_middle_is_a_width() -> None:
    graph = [variable("net/hidden/weights", (64, 10)), variable("net/out/weights", (10, 3))]
    diagnosis = examine(graph, {"net/hidden/weights": (64, 20), "net/out/weights": (10, 3)})
    assert names(diagnosis) == ["shape-mismatch"]


def test_training_state_is_reported_together() -> None:
    stored = {
        "w": (2,),
        "w/Adam": (2,),
        "w/Adam_1": (2,),
        "beta1_power": (),
        "w/ExponentialMovingAverage": (2,),
        "global_step": (),
    }
    diagnosis = examine([variable("w", (2,))], stored)
    assert names(diagnosis) == ["optimizer-slots", "moving-averages", "global-step"]
    assert diagnosis.clean
    diagnosis = examine([variable(key, shape) for key, shape in stored.items()], {"w": (2,)})
    assert sorted(names(diagnosis)) == ["global-step", "moving-averages", "optimizer-slots"]
    assert not diagnosis.clean


def test_the_slots_of_a_mismatched_variable_are_explained_with_it() -> None:
    names_of_all = ("w", "w/Adam", "w/Adam_1")
    diagnosis = examine([variable(key, (4,)) for key in names_of_all], dict.fromkeys(names_of_all, (9,)))
    assert names(diagnosis) == ["shape-mismatch"]
    assert diagnosis.diagnostics[0].covers == set(names_of_all)


@pytest.mark.parametrize(("wanted", "stored", "safety"), [("float32", "float16", "safe"), ("int32", "int64", "unsafe")])
def test_a_dtype_is_cast_safely_where_no_bit_is_lost(wanted: str, stored: str, safety: str) -> None:
    diagnosis = examine([variable("w", (2,), dtype=wanted)], {"w": (2,)}, stored)
    assert names(diagnosis) == ["dtype-mismatch"]
    assert diagnosis.diagnostics[0].remedies[0].safety == safety


@pytest.mark.parametrize(
    ("kind", "source", "family", "output"),
    [
        (GraphKind.TENSORFLOW_1, "m.ckpt", Family.TENSORFLOW, "m_fitted.ckpt"),
        (GraphKind.TENSORFLOW_1, "m.safetensors", Family.ARRAYS, "m_fitted.ckpt"),
        (GraphKind.TENSORFLOW_1, "m.h5", Family.KERAS, "m_fitted.ckpt"),
        (GraphKind.KERAS_MODEL, "m.h5", Family.KERAS, "m_fitted.weights.h5"),
        (GraphKind.KERAS_MODEL, "m.keras", Family.KERAS, "m_fitted.weights.h5"),
        (GraphKind.KERAS_MODEL, "m.weights.h5", Family.KERAS, "m_fitted.weights.h5"),
        (GraphKind.KERAS_MODEL, "m.safetensors", Family.ARRAYS, "m_fitted.weights.h5"),
        (GraphKind.KERAS_MODEL, "m.ckpt", Family.TENSORFLOW, "m_fitted.weights.h5"),
    ],
)
def test_the_prescribed_file_is_one_that_the_graphs_library_loads(
    kind: GraphKind, source: str, family: Family, output: str
) -> None:
    stored = Inventory(source, "", family, (), {"w": Entry("w", TensorSpec(dtype_from_name("float16"), (2,)))})
    placed = replace(variable("w", (2,)), stored="layers/d/vars/0" if kind is GraphKind.KERAS_MODEL else "")
    config = "{}" if kind is GraphKind.KERAS_MODEL else ""
    diagnosis = diagnose(align(GraphSpec("g.py", kind, (placed,), config=config), stored), "g.py")
    command = diagnosis.diagnostics[0].remedies[0].paste
    assert command == Command(("ckptdoctor", "convert", source, output, "--graph", "g.py"))


def test_missing_and_unexpected() -> None:
    diagnosis = examine([variable("a/w", (2,))], {"b/w": (2,)})
    assert names(diagnosis) == ["missing-variable", "unexpected-key"]
    assert 'Tensor name "a/w" not found in checkpoint files' in outcome(diagnosis)


@pytest.mark.parametrize(
    ("graph", "stored"), [("model/", ""), ("", "module/"), ("NTM/", "NTM-copy/"), ("a/b/", "a/c/d/")]
)
def test_another_scope_is_one_finding_and_a_rename(graph: str, stored: str) -> None:
    shapes = {"conv/w": (3, 3), "conv/b": (3,), "fc/w": (3, 2)}
    variables = [variable(graph + name, shape) for name, shape in shapes.items()]
    diagnosis = examine(variables, {stored + name: shape for name, shape in shapes.items()})
    assert names(diagnosis) == ["multi-gpu-wrapper" if stored == "module/" else "scope-prefix"]
    (remedy, *_) = diagnosis.diagnostics[0].remedies
    assert remedy.safety == "safe"
    assert {(op.key, op.to) for op in remedy.ops} == {(stored + name, graph + name) for name in shapes}


def test_a_scope_replaced_and_a_convolution_are_two_findings() -> None:
    variables = [
        variable("net/a/w", (3, 3)),
        variable("net/a/b", (3,)),
        variable("net/fc/w", (64, 10)),
        variable("net/z/w", (2, 2)),
    ]
    diagnosis = examine(variables, {"a/w": (3, 3), "a/b": (3,), "fc/w": (1, 1, 64, 10), "z/w": (2, 2)})
    assert sorted(names(diagnosis)) == ["conv-for-dense", "scope-prefix"]
    plan = plan_from_diagnosis(diagnosis)
    made = derive(plan, diagnosis.alignment.inventory)
    assert {key: item.spec for key, item in made.items()} == {item.key: item.spec for item in variables}


def test_two_scopes_that_fit_are_not_guessed() -> None:
    shapes = {"w": (3, 3), "b": (3,)}
    stored = {f"tower_{tower}/{name}": shape for tower in range(2) for name, shape in shapes.items()}
    diagnosis = examine([variable(f"net/{name}", shape) for name, shape in shapes.items()], stored)
    assert names(diagnosis) == ["ambiguous-names"]
    assert not any(remedy.ops for remedy in diagnosis.diagnostics[0].remedies)
    assert "tower_1/w" in " ".join(diagnosis.diagnostics[0].evidence)


def test_resource_variables_are_said_to_be_silent() -> None:
    diagnosis = examine([variable("w", (8,), resource=True)], {"w": (1,)})
    assert "1 hold a value of another shape than declared. It raises nothing, and prints nothing." in outcome(diagnosis)


def test_what_agrees_is_not_reported() -> None:
    diagnosis = examine([variable("w", (2, -1)), variable("v", ())], {"w": (2, 5), "v": ()})
    assert names(diagnosis) == []
    assert diagnosis.clean


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.RULE.code)
def test_a_rule_has_one_name(rule: ModuleType) -> None:
    """Its row in the table, its page's title, its file and its page are called the same."""
    (page,) = [page for page in pages() if page.code == rule.RULE.code]
    title = (rule.__doc__ or "").partition(":")[0]
    file = rule.__name__.rpartition(".")[2].replace("_", "-")
    assert rule.RULE.name == title == file == page.name
    others = [other for other in vars(rule).values() if isinstance(other, Rule)]
    assert {(other.code, other.name) for other in others} == {(rule.RULE.code, rule.RULE.name)}


def test_the_table_of_rules_is_consistent() -> None:
    codes = [rule.RULE.code for rule in RULES]
    assert len(set(codes)) == len(codes)
    assert len({page.name for page in pages()}) == len(pages())
    for rule in RULES:
        text = rule.__doc__ or ""
        for section in ("## What it does", "## Why is this bad", "## Example", "## Fix safety"):
            assert section in text, rule
