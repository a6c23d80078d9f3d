"""Names that differ: what is joined is right, and what cannot be told is said to be ambiguous."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckptdoctor.alignment.alignment import align
from ckptdoctor.alignment.pairs import Alignment
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.graph import GraphKind, GraphSpec, Variable
from ckptdoctor.specs.inventory import Entry, Family, Inventory
from ckptdoctor.specs.tensor import Shape, TensorSpec

FLOAT = dtype_from_name("float32")
Layers = list[dict[str, Shape]]


def compare(graph: dict[str, Shape], stored: dict[str, Shape]) -> Alignment:
    variables = tuple(Variable(key, key, TensorSpec(FLOAT, shape)) for key, shape in graph.items())
    entries = {key: Entry(key, TensorSpec(FLOAT, shape)) for key, shape in sorted(stored.items())}
    return align(
        GraphSpec("g.py", GraphKind.TENSORFLOW_1, variables), Inventory("m", "V2", Family.TENSORFLOW, (), entries)
    )


def made(alignment: Alignment) -> dict[str, str]:
    return {pair.variable.key: pair.entry.key for pair in alignment.pairs}


def numbered(base: str, number: int) -> str:
    return f"{base}_{number}" if number else base


def network(layers: Layers, numbers: list[int], base: str) -> dict[str, Shape]:
    return {
        f"{numbered(base, number)}/{role}": shape
        for layer, number in zip(layers, numbers, strict=True)
        for role, shape in layer.items()
    }


# Few widths, so that several layers have the same shapes.
WIDTHS = st.sampled_from([4, 8, 8, 16])


@st.composite
def networks(draw: st.DrawFn) -> Layers:
    widths = draw(st.lists(WIDTHS, min_size=3, max_size=9))
    return [{"kernel": (3, 3, a, b), "bias": (b,)} for a, b in pairwise(widths)]


@settings(max_examples=300, deadline=None)
@given(networks(), st.randoms(use_true_random=False), st.sampled_from(["conv2d", "layer", "net/block"]))
def test_permuted_numbers_are_undone_or_ambiguous_and_never_wrong(
    layers: Layers, rng: random.Random, base: str
) -> None:
    numbers = list(range(len(layers)))
    other = rng.sample(numbers, len(numbers))
    graph, stored = network(layers, numbers, base), network(layers, other, base)
    truth = dict(zip(graph, stored, strict=True))
    alignment = compare(graph, stored)
    if all(stored[key] == graph[key] for key in graph):
        # Layers of equal shapes changed places among themselves: nothing in the file can tell.
        assert made(alignment) == {key: key for key in graph}
        return
    open_ones = {item.key for ambiguity in alignment.ambiguities for item in ambiguity.variables}
    for key, found in made(alignment).items():
        assert found == truth[key]
    assert graph.keys() - made(alignment).keys() == open_ones


@settings(max_examples=200, deadline=None)
@given(networks(), st.integers(1, 60), st.randoms(use_true_random=False))
def test_shifted_numbers_are_undone(layers: Layers, shift: int, rng: random.Random) -> None:
    numbers = list(range(len(layers)))
    graph = network(layers, numbers, "conv2d")
    stored = network(layers, [number + shift for number in numbers], "conv2d")
    truth = dict(zip(graph, stored, strict=True))
    shuffled = list(stored.items())
    rng.shuffle(shuffled)
    alignment = compare(graph, dict(shuffled))
    wrong = {key: found for key, found in made(alignment).items() if truth[key] != found}
    assert not wrong or shift < len(numbers), wrong
    if len(layers) > 2 and shift >= len(numbers):
        assert made(alignment) == truth


@settings(max_examples=100, deadline=None)
@given(networks(), st.randoms(use_true_random=False))
def test_the_result_does_not_depend_on_the_order_of_entries(layers: Layers, rng: random.Random) -> None:
    graph = network(layers, list(range(len(layers))), "net/conv")
    stored = list(network(layers, list(range(1, len(layers) + 1)), "tower/layer").items())
    first = made(compare(graph, dict(stored)))
    rng.shuffle(stored)
    assert made(compare(graph, dict(stored))) == first
    assert len(set(first.values())) == len(first)


SLIM = {
    "vgg/conv1/conv1_1/weights": (3, 3, 3, 8),
    "vgg/conv1/conv1_1/biases": (8,),
    "vgg/conv1/conv1_2/weights": (3, 3, 8, 8),
    "vgg/conv1/conv1_2/biases": (8,),
    "vgg/conv2/conv2_1/weights": (3, 3, 8, 16),
    "vgg/conv2/conv2_1/biases": (16,),
    "vgg/fc6/weights": (7, 7, 16, 32),
    "vgg/fc6/biases": (32,),
    "vgg/fc7/weights": (1, 1, 32, 32),
    "vgg/fc7/biases": (32,),
    "vgg/fc8/weights": (1, 1, 32, 10),
    "vgg/fc8/biases": (10,),
}
KERAS = {
    "block1_conv1/kernel": (3, 3, 3, 8),
    "block1_conv1/bias": (8,),
    "block1_conv2/kernel": (3, 3, 8, 8),
    "block1_conv2/bias": (8,),
    "block2_conv1/kernel": (3, 3, 8, 16),
    "block2_conv1/bias": (16,),
    "fc1/kernel": (784, 32),
    "fc1/bias": (32,),
    "fc2/kernel": (32, 32),
    "fc2/bias": (32,),
    "predictions/kernel": (32, 10),
    "predictions/bias": (10,),
}


@pytest.mark.parametrize(("lhs", "rhs"), [(SLIM, KERAS), (KERAS, SLIM)])
def test_slim_and_keras_name_the_same_layers(lhs: dict[str, Shape], rhs: dict[str, Shape]) -> None:
    alignment = compare(lhs, rhs)
    assert made(alignment) == dict(zip(lhs, rhs, strict=True))
    assert all(renaming.certain for renaming in alignment.renamings)


def test_object_graph_keys_are_layers_in_order() -> None:
    value = "/.ATTRIBUTES/VARIABLE_VALUE"
    graph = {"conv/kernel": (3, 3, 1, 4), "a/kernel": (4, 4), "b/kernel": (4, 4)}
    stored = {f"model/layer_with_weights-{n}/kernel{value}": shape for n, shape in enumerate(graph.values())}
    alignment = compare(graph, stored)
    assert made(alignment) == dict(zip(graph, stored, strict=True))
    assert [renaming.kind for renaming in alignment.renamings] == ["object order"]


def test_slots_follow_their_variables() -> None:
    graph = {"model/a/w": (2, 3), "model/b/w": (3, 4), "model/a/w/Adam": (2, 3)}
    stored = {"net/a/w": (2, 3), "net/b/w": (3, 4), "net/a/w/Adam": (2, 3)}
    assert made(compare(graph, stored)) == dict(zip(graph, stored, strict=True))


def test_another_network_is_not_mapped() -> None:
    other = {f"conv{s}_block{u}_{n}_conv/kernel": (3, 3, 5 * s, 7 * n) for s in (2, 3) for u in (1, 2) for n in (1, 2)}
    assert made(compare(SLIM, other)) == {}


def test_one_new_layer_of_the_shape_of_an_unused_one_is_no_safe_rename() -> None:
    common = {"a/w": (2, 3), "b/w": (3, 4), "c/w": (4, 5)}
    alignment = compare({**common, "head/w": (5, 9)}, {**common, "old_head/w": (5, 9)})
    assert not any(renaming.certain for renaming in alignment.renamings)


def test_a_place_that_two_variables_name_is_neither_ones() -> None:
    shapes: dict[str, Shape] = {"a/kernel": (2, 3), "b/kernel": (2, 3), "c/kernel": (3, 4), "d/kernel": (4, 5)}
    places = ["layers/a/vars/0", "layers/a/vars/0", "layers/c/vars/0", "layers/d/vars/0"]
    variables = tuple(
        Variable(key, key, TensorSpec(FLOAT, shape), stored=place)
        for (key, shape), place in zip(shapes.items(), places, strict=True)
    )
    entries = {place: Entry(place, variable.spec) for place, variable in zip(places, variables, strict=True)}
    graph = GraphSpec("g.py", GraphKind.KERAS_MODEL, variables)
    alignment = align(graph, Inventory("m.weights.h5", "Keras 3", Family.KERAS, (), entries))
    assert made(alignment) == {"c/kernel": "layers/c/vars/0", "d/kernel": "layers/d/vars/0"}
