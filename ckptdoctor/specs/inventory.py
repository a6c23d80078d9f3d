"""What a checkpoint holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from ckptdoctor.specs.objects import ObjectGraph
from ckptdoctor.specs.tensor import TensorSlice, TensorSpec

OBJECT_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
"""The string tensor that describes a TensorFlow 2 checkpoint's objects; no variable.

Source: TensorFlow, tensorflow/python/trackable/base.py, `OBJECT_GRAPH_PROTO_KEY`.
"""

TOP_LEVEL_WEIGHTS = "top_level_model_weights"
"""The group of a legacy HDF5 file with the weights that the model holds itself.

Source: Keras, keras/src/legacy/saving/legacy_h5_format.py, `save_weights_to_hdf5_group`.
"""


class Family(Enum):
    """Whose loader a checkpoint is for; the value is what a lock file records."""

    TENSORFLOW = "tensorflow"
    """A `tf.compat.v1.train.Saver` restores it by name, or `tf.train.Checkpoint` by objects."""
    KERAS = "keras"
    """`load_weights` loads it by the model's structure."""
    ARRAYS = "arrays"
    """Named arrays, which no loader of TensorFlow's or Keras's takes as they are."""
    GRAPH = "graph"
    """The constants of a graph definition."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One checkpoint key.

    Attributes:
        key: the string in the checkpoint.
        spec: its full type and shape.
        slices: the parts it was saved in, if it was partitioned; empty if it is whole.
        name: the variable's own name where the checkpoint records one beside the key, such as `dense/kernel` for
            `layers/dense/vars/0`; else empty.
        path: where it stands in an object graph, through the model where that is possible; empty where there is none.
        owner: the key of the variable that it is a slot of, where the checkpoint says so; else empty.
        slot: the name of that slot, such as `m` or `momentums`.
    """

    key: str
    spec: TensorSpec
    slices: tuple[TensorSlice, ...] = ()
    name: str = ""
    path: str = ""
    owner: str = ""
    slot: str = ""


@dataclass(frozen=True, slots=True)
class StoredGroup:
    """A group of weights in a file of Keras's, as a loader goes by it.

    Attributes:
        path: in the file: a layer's own group in files of Keras 1 and 2, its `vars` in those of Keras 3.
        name: the layer's own name; empty where the file records none.
        keys: of its weights, in their order; a damaged file may name keys that it does not hold.
    """

    path: str
    name: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything a checkpoint holds, by key, in the order of the keys.

    Attributes:
        source: the checkpoint as a command can name it again (a prefix or a file).
        format: the format's name for people, such as `tensor bundle (V2)`.
        family: whose loader it is for.
        files: the files it consists of.
        entries: by key.
        notes: what the user should know about how it was found, a sentence each.
        objects: the object graph that a TensorFlow 2 checkpoint describes itself with.
        config: the configuration of the Keras model that it was saved with, JSON; empty where there is none.
        groups: the groups of a file of Keras's: in the order of `layer_names` where that is recorded, then the model's own
            `top_level_model_weights`.
        keras_version: the version of Keras that such a file says it is of; empty where it says none, as those of Keras 1.
        restore_pattern: the pattern that TensorFlow restores it by, where its files have no common name; else empty.
        absent: the names of the files that hold values and are not there.
        planned: whether it is what a plan would leave, so that there is no such file yet.
    """

    source: str
    format: str
    family: Family
    files: tuple[Path, ...]
    entries: Mapping[str, Entry]
    notes: tuple[str, ...] = field(default=())
    objects: ObjectGraph | None = None
    config: str = ""
    restore_pattern: str = ""
    groups: tuple[StoredGroup, ...] = ()
    keras_version: str = ""
    absent: tuple[str, ...] = ()
    planned: bool = False

    @property
    def has_saver(self) -> bool:
        """Whether it is a TensorFlow checkpoint, which a `tf.compat.v1.train.Saver` restores by name."""
        return self.family is Family.TENSORFLOW

    @property
    def is_keras(self) -> bool:
        """Whether it is a file of Keras's own, which `load_weights` loads by the model's structure."""
        return self.family is Family.KERAS

    @property
    def variables(self) -> Mapping[str, Entry]:
        """The entries without the object graph's description."""
        return {key: entry for key, entry in self.entries.items() if key != OBJECT_GRAPH_KEY}
