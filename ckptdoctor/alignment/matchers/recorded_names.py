"""The variables whose own names the checkpoint records beside its keys.

The checkpoint itself says so: TensorFlow 2 keeps `full_name` beside each value of an object graph, and files of Keras's own
keep the names of the layers and of their variables. Only where the model does not say where Keras puts its variables.
Sources: TensorFlow, tensorflow/core/protobuf/trackable_object_graph.proto, `SerializedTensor.full_name`; Keras 2,
keras/saving/legacy/hdf5_format.py, `save_weights_to_hdf5_group` (`weight_names`).
"""

from __future__ import annotations

from ckptdoctor.alignment.renaming import Renaming
from ckptdoctor.alignment.unmatched import Matches, Unmatched
from ckptdoctor.specs.inventory import Entry


def match(state: Unmatched) -> Matches:
    """The entries beside whose keys the variables' names are recorded, each beside one key only."""
    if any(renaming.kind in ("structure", "recorded") for renaming in state.renamings):
        return Matches()  # the places of Keras say it better
    named: dict[str, list[Entry]] = {}
    for item in state.unexpected:
        entry = item.value
        if entry.name and entry.key not in state.doubtful:
            named.setdefault(entry.name, []).append(entry)
    pairs = tuple(
        (item.value, named[item.value.key][0]) for item in state.missing if len(named.get(item.value.key, ())) == 1
    )
    if not pairs:
        return Matches()
    examples = "; ".join(f"{variable.key} is {entry.key}" for variable, entry in pairs[:3])
    evidence = f"The checkpoint records these names for {len(pairs)} of its keys: {examples}."
    return Matches(renamings=[Renaming("recorded", "", "", pairs, True, evidence)])
