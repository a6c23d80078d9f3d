"""A Keras model from the file that it was saved in whole: its configuration says what uses each of its weights.

    configuration := {"class_name", "config": {"name", "layers": [LAYER …]} | [LAYER …], "build_config"}
    LAYER         := {"class_name", "config": {"name", "trainable", …}, "build_config": {"input_shape"}, "inbound_nodes"}

The configuration is read as text: no layer is built, and the code of a Lambda is not run. Names, shapes and types are
those of the weights in the same file.

Sources: Keras 3, keras/src/saving/serialization_lib.py, `serialize_keras_object`, and saving_lib.py,
`_save_container_state` (which path a layer has in the file); Keras 2, keras/src/legacy/saving/saving_utils.py,
`model_metadata`; Keras 1's words: `border_mode`, `subsample`, `dim_ordering`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckptdoctor.errors import Corrupt
from ckptdoctor.graph_worker.consumers import Graph, Node
from ckptdoctor.graph_worker.keras_layers import consumer_of_layer, layer_node
from ckptdoctor.graphs.consumer import consumer_of
from ckptdoctor.graphs.keras_file_structure import structure_of_file
from ckptdoctor.graphs.keras_shapes import output_shape
from ckptdoctor.limits import MAX_CONFIG_DEPTH, MAX_CONFIG_ITEMS
from ckptdoctor.specs.graph import Consumer, GraphKind, GraphSpec, Variable
from ckptdoctor.specs.inventory import Entry, Inventory
from ckptdoctor.specs.tensor import Shape

_KERNELS = ("kernel", "depthwise_kernel", "embeddings", "W")
_NETWORK_TRAINING = ("optimizer", "optimizer_weights")


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer of a configuration: its class, its settings, where Keras 3 keeps it, and its place in the network.

    Attributes:
        parent: the path of the model that it is in.
        inner: of a model within a model, the path of it and the name of the layer that makes its output.
        before: the layer that it takes its only input from.
        sources: all of these; names are those within `parent`.
    """

    name: str
    kind: str
    settings: dict[str, Any]
    path: str
    input_shape: Shape | None
    parent: str
    inner: tuple[str, str] | None
    before: str
    sources: tuple[str, ...]
    trainable: bool


def read_keras_model(inventory: Inventory) -> GraphSpec:
    """The model that a file describes beside its weights; `inventory.config` must not be empty.

    Raises:
        Corrupt: the configuration is no JSON, or no model's.
    """
    path = Path(inventory.source)
    try:
        config = json.loads(inventory.config)
        layers = list(_layers(config, "", True, 0))
    except (ValueError, RecursionError, TypeError, AttributeError, KeyError) as error:
        raise Corrupt(
            path, "model configuration", str(error), hint="Name the Python file that builds the model instead."
        ) from error
    by_path = {layer.path: layer for layer in layers}
    by_name = {layer.name: layer for layer in layers}
    place = {id(layer): number for number, layer in enumerate(layers)}
    graph = graph_of_configuration(layers)
    names = Counter(entry.name for entry in inventory.variables.values())
    placed = []
    by_key = {}
    for position, entry in enumerate(inventory.variables.values()):
        if entry.key.partition("/")[0] in _NETWORK_TRAINING:
            continue
        layer = _layer_of(entry, by_path, by_name)
        order = place[id(layer)] if layer else len(layers)
        own = entry.name if names[entry.name] == 1 else ""
        by_key[entry.key] = _variable(entry, own or entry.key, layer, graph)
        placed.append((order, position, by_key[entry.key]))
    variables = tuple(variable for _, _, variable in sorted(placed, key=lambda item: item[:2]))
    lambdas = [layer.name for layer in layers if layer.kind in ("Lambda", "TFOpLambda")]
    notes = (f"Its Lambda layers are not run: {', '.join(lambdas)}.",) if lambdas else ()
    # Keras 3 says which module a class is of; only such a configuration goes into a `.keras` file.
    own = inventory.config if isinstance(config, dict) and "module" in config else ""
    return GraphSpec(
        inventory.source,
        GraphKind.KERAS_MODEL,
        variables,
        (str(path.resolve()),),
        notes,
        config=own,
        keras=structure_of_file(config, inventory, by_key, _snake_case, _sources),
    )


def uses_in_file(inventory: Inventory) -> dict[str, Consumer]:
    """Key → what the model that a Keras file describes uses it for; empty where the file describes none."""
    if not inventory.config:
        return {}
    try:
        variables = read_keras_model(inventory).variables
    except Corrupt:
        return {}  # the weights are read without the configuration, too
    keys = {entry.name: entry.key for entry in inventory.variables.values() if entry.name}
    uses = {variable.stored or variable.key: variable.consumer for variable in variables if variable.consumer}
    return {keys.get(name, name): use for name, use in uses.items()}


def graph_of_configuration(layers: Sequence[_Layer]) -> Graph:
    """The layers of a configuration as nodes, under the path of their model and their name in it."""
    taken: dict[tuple[str, str], Shape] = {}
    for layer in layers:
        if layer.before and layer.input_shape is not None:
            taken[layer.parent, layer.before] = layer.input_shape
    nodes: dict[tuple[str, str], Node] = {}
    for layer in reversed(layers):
        # What a model within a model gives is what its last layer gives.
        if layer.inner and (layer.parent, layer.name) in taken:
            taken.setdefault(layer.inner, taken[layer.parent, layer.name])
    for layer in layers:
        sources = [(layer.parent, source) for source in layer.sources]
        before = nodes.get(sources[0]) if len(sources) == 1 else None
        given = layer.input_shape or (before.shapes[0] if before is not None else None)
        shape = taken.get((layer.parent, layer.name)) or output_shape(layer.kind, layer.settings, given)
        inputs = tuple((source, 0) for source in ([layer.inner] if layer.inner else sources))
        kind = "Functional" if layer.inner else layer.kind
        nodes[layer.parent, layer.name] = layer_node(layer.name, kind, layer.settings, inputs, shape)
    return Graph(nodes.get)


@dataclass(frozen=True, slots=True)
class Before:
    """The layer in front of another.

    Attributes:
        name: of that layer.
        alone: whether nothing else takes what it gives.
        epsilon: what the layer itself (not the one before) adds to a variance, if it is a normalisation.
    """

    name: str
    alone: bool
    epsilon: float | None


def layers_before(inventory: Inventory) -> dict[str, Before]:
    """The layer in front of each layer of the model that a Keras file describes; empty where that cannot be told."""
    try:
        layers = list(_layers(json.loads(inventory.config), "", True, 0))
    except (ValueError, RecursionError, TypeError, AttributeError, KeyError):
        return {}
    users = Counter(source for layer in layers for source in layer.sources)
    return {
        layer.name: Before(layer.before, users[layer.before] == 1, _number(layer.settings.get("epsilon")))
        for layer in layers
        if layer.before
    }


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _layers(model: Any, path: str, trainable: bool, depth: int) -> Iterator[_Layer]:
    """The layers of a model, and of the models in it, in their order."""
    if depth > MAX_CONFIG_DEPTH:
        raise ValueError(f"models within models, more than {MAX_CONFIG_DEPTH} deep")
    config = model["config"]
    listed = config if isinstance(config, list) else config.get("layers", [])
    used: dict[str, int] = {}
    before = ""
    for item in listed:
        kind = str(item["class_name"])
        settings = item["config"] if isinstance(item["config"], dict) else {}
        word = _snake_case(kind)
        used[word] = used[word] + 1 if word in used else 0
        own = f"{path}/layers/{word}_{used[word]}" if used[word] else f"{path}/layers/{word}"
        own = own.lstrip("/")
        trained = trainable and bool(settings.get("trainable", True))
        sources = tuple(_sources(item.get("inbound_nodes"))) or ((before,) if before else ())
        inbound = sources[0] if len(sources) == 1 else ""
        name = str(settings.get("name", item.get("name", word)))
        before = name
        inner = item["config"] if isinstance(item["config"], list) else settings.get("layers")
        last = _last_of(settings, inner) if isinstance(inner, list) else ""
        within = (own, last) if last else None
        yield _Layer(name, kind, settings, own, _input_shape(item), path, within, inbound, sources, trained)
        if isinstance(inner, list):
            yield from _layers(item, own, trained, depth + 1)
        elif isinstance(settings.get("layer"), dict):
            yield from _layers({"config": [settings["layer"]]}, own, trained, depth + 1)


def _last_of(settings: dict[str, Any], inner: list[Any]) -> str:
    """The layer that makes the only output of a model within a model; empty if there are several."""
    outputs = list(_sources(settings["output_layers"])) if "output_layers" in settings else []
    if not outputs and inner and "output_layers" not in settings:
        outputs = [str(inner[-1]["config"].get("name", ""))]
    return outputs[0] if len(outputs) == 1 else ""


def _snake_case(name: str) -> str:
    """A class's name as Keras 3 writes it (keras/src/utils/naming.py, `to_snake_case`)."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _sources(nodes: Any) -> Iterator[str]:
    """The layers that a layer takes its inputs from, in Keras 3's words (`keras_history`) or in Keras 2's lists."""
    pending = [nodes]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            history = item.get("keras_history")
            if isinstance(history, list) and history:
                yield str(history[0])
            else:
                pending += item.values()
        elif isinstance(item, list):
            if len(item) >= 3 and isinstance(item[0], str) and isinstance(item[1], int):
                yield item[0]
            else:
                pending += item
        if len(pending) > MAX_CONFIG_ITEMS:
            raise ValueError("an input of too many parts")


def _input_shape(item: dict[str, Any]) -> Shape | None:
    build = item.get("build_config")
    shape = build.get("input_shape") if isinstance(build, dict) else None
    if shape is None and isinstance(item["config"], dict):
        shape = item["config"].get("batch_input_shape")
    if not isinstance(shape, list) or not all(size is None or isinstance(size, int) for size in shape):
        return None
    return tuple(-1 if size is None else size for size in shape)


def _layer_of(entry: Entry, by_path: dict[str, _Layer], by_name: dict[str, _Layer]) -> _Layer | None:
    layer = by_path.get(entry.key.rpartition("/vars/")[0])
    for part in reversed(entry.name.split("/")[:-1] + entry.key.removeprefix("model_weights/").split("/")[:1]):
        layer = layer or by_name.get(part)
    return layer


def _variable(entry: Entry, name: str, layer: _Layer | None, graph: Graph) -> Variable:
    stored = entry.key if "/vars/" in entry.key else ""
    if layer is None:
        return Variable(name, name, entry.spec, resource=True, stored=stored)
    role = name.rpartition("/")[2]
    moving = role.startswith("moving_") or role.startswith("running_")
    kernel = role in _KERNELS or (len(entry.spec.shape) > 1 and role not in ("recurrent_kernel",))
    return Variable(
        name,
        name,
        entry.spec,
        trainable=layer.trainable and not moving,
        resource=True,
        consumer=consumer_of(consumer_of_layer(graph, (layer.parent, layer.name), layer.input_shape, kernel)),
        stored=stored,
    )
