"""What a graph declares."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ckptdoctor.specs.keras_model import KerasModel
from ckptdoctor.specs.objects import ObjectGraph
from ckptdoctor.specs.tensor import Shape, TensorSpec


class GraphKind(Enum):
    """How a graph came to be; the value is what a person reads."""

    TENSORFLOW_1 = "TensorFlow 1 graph"
    TENSORFLOW_2 = "TensorFlow 2 graph"
    KERAS_MODEL = "Keras model"
    OBJECTS = "TensorFlow 2 objects"
    SAVED_MODEL = "SavedModel"
    META_GRAPH = "meta graph"
    GRAPH_DEF = "graph definition"
    CHECKPOINT = "checkpoint"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of the user's code: file, line number from 1, and the line itself."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Consumer:
    """The operation that uses a variable's value.

    Attributes:
        op: the operation's type: `Conv2D`, `MatMul`, `Tensordot` (a matrix product over the last axis of an
            input of rank 3 or more), `BiasAdd`, …
        name: its name in the graph.
        input_shape: the shape of its other input, -1 for an unknown size; None if the rank is unknown.
        padding: `VALID`, `SAME` or empty.
        strides: of a convolution, all four or the spatial two, as the graph has them.
        data_format: `NHWC`, `NCHW` or empty.
        producer: the type of the operation that makes that input, such as `MaxPool`; empty if unknown.
        flattened: the shape of the map that a flatten made that input from, batch first, as the flatten takes it;
            None if no flatten was seen.
        flattened_axes: what the axes of `flattened` are behind the batch, relative to the convolution (or pooling) that
            made the map: `HWC`, `CHW` where channels come first, `WHC`, …; empty if that was not seen.
        moved_by: the type of the operation that put them into this order after that convolution: `Transpose`, `Permute`,
            `Flatten`; empty if they are as the convolution made them.
        transposed: whether the operation uses the value with its axes in another order (`transpose_b`, a deconvolution).
    """

    op: str
    name: str
    input_shape: Shape | None = None
    padding: str = ""
    strides: tuple[int, ...] = ()
    data_format: str = ""
    producer: str = ""
    flattened: Shape | None = None
    flattened_axes: str = ""
    moved_by: str = ""
    transposed: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of a graph.

    Attributes:
        name: its name in the graph.
        key: the checkpoint key that it is saved under; for most graphs the same string.
        spec: its declared type and shape.
        trainable: whether an optimizer would update it.
        resource: whether it is a resource variable, which TensorFlow restores without checking the shape.
        shape_known: False where the graph leaves even the rank open; `spec.shape` is then empty.
        collections: the graph collections it is in.
        location: the line of the user's code that made it, if one is known.
        consumer: the operation that uses it, if one was found.
        stored: where Keras 3 puts it in a `.weights.h5` file, such as `layers/dense/vars/0`; empty if that is not known.
        node: its number in the graph's objects; -1 where it is in none.
        partitioned: whether it is kept in parts, which TensorFlow restores by slices; `spec` is of the whole.
    """

    name: str
    key: str
    spec: TensorSpec
    trainable: bool = True
    resource: bool = False
    shape_known: bool = True
    collections: tuple[str, ...] = ()
    location: SourceLine | None = None
    consumer: Consumer | None = None
    stored: str = ""
    node: int = -1
    partitioned: bool = False


@dataclass(frozen=True, slots=True)
class GraphSpec:
    """Everything a graph declares.

    Attributes:
        source: the graph as a command can name it again.
        kind: how it came to be.
        variables: in the order the graph makes them.
        files: the user's files it depends on, absolute.
        notes: what the user should know about how it was traced, a sentence each.
        objects: the objects of a TensorFlow 2 program, as `tf.train.Checkpoint` walks them.
        wrapped: whether the program has no `tf.train.Checkpoint` of its own, so that the root of the objects is one made
            around its model: another name for the model may be meant.
        config: a Keras 3 model's configuration, JSON; empty where there is none.
        keras_version: the version of Keras that it is of.
        unlisted: the numbers of the objects that hold values and are none of its variables, such as an optimizer's state.
        keras: a Keras model's structure, as Keras's loaders walk it; None where it is not known.
        parameters: of the function or class that built it, each with the plain value that it was built with.
    """

    source: str
    kind: GraphKind
    variables: tuple[Variable, ...]
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    objects: ObjectGraph | None = None
    wrapped: bool = False
    config: str = ""
    keras_version: str = ""
    keras: KerasModel | None = None
    unlisted: tuple[int, ...] = ()
    parameters: tuple[tuple[str, str | int | None], ...] = ()

    @property
    def has_saver(self) -> bool:
        """Whether a `tf.compat.v1.train.Saver` restores it, by name; Keras and object checkpoints go by structure."""
        return self.kind not in (GraphKind.KERAS_MODEL, GraphKind.OBJECTS)

    @property
    def silent(self) -> bool:
        """Whether a restore would leave a wrong shape behind without a word: there are resource variables."""
        return any(variable.resource for variable in self.variables)
