"""The line that loads a file into a Keras model as far as it fits: the first that does exactly that, as the loaders tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ckptdoctor.alignment.pairs import Pair
from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.code import Code
from ckptdoctor.diagnosis.diagnostic import Remedy
from ckptdoctor.loaders import keras3_weights, keras_calls
from ckptdoctor.loaders.load import Load
from ckptdoctor.specs.inventory import Entry, Inventory


def load_what_fits(case: Case, title: str, pairs: Mapping[str, Pair]) -> tuple[Remedy, ...]:
    """The line for this file where there is one; else the conversion, and the line for what that writes."""
    stored = {key: pair.entry.key for key, pair in pairs.items()}
    line = next((code for code, load in _ways(case) if _does_exactly(load, stored)), None)
    if line is not None:
        return (Remedy(title, "display-only", line),)
    places = {variable.key: variable.stored for variable in case.alignment.graph.variables}
    if not all(places.values()):
        return ()
    written = _written(case, places)
    load = keras3_weights.load_weights(case.alignment.graph, written, skip_mismatch=True)
    if not _does_exactly(load, {key: places[key] for key in pairs}):
        return ()
    return (
        Remedy(f"{title}: first put what fits where Keras looks", "display-only", case.convert_command(partial=True)),
        Remedy("then load that", "display-only", _line(case.fitted_partly, skip_mismatch=True)),
    )


def _ways(case: Case) -> Iterator[tuple[Code, Load | None]]:
    """The calls that Keras has for such a file, and what each does."""
    graph, inventory = case.alignment.graph, case.alignment.inventory
    if not inventory.is_keras or graph.keras is None:
        return
    for by_name, skip in ((False, False), (False, True), (True, False), (True, True)):
        load = keras_calls.load_weights(graph, inventory, by_name, skip)
        yield _line(case.checkpoint, by_name=by_name, skip_mismatch=skip), load


def _line(path: str, **options: bool) -> Code:
    arguments = "".join(f", {name}=True" for name, given in options.items() if given)
    return Code.of(f"model.load_weights($path{arguments})", path=path)


def _does_exactly(load: Load | None, wanted: Mapping[str, str]) -> bool:
    """Whether a load ends well and gives these variables these keys' values, and no other variable any."""
    return load is not None and not load.error and not load.zeroed and dict(load.given) == dict(wanted)


def _written(case: Case, places: Mapping[str, str]) -> Inventory:
    """What a conversion writes of this file for this model: every value where the model's variable is."""
    entries = {
        places[pair.variable.key]: replace(pair.entry, key=places[pair.variable.key])
        for pair in case.alignment.pairs
        if pair.variable.key in places and (pair.renaming is None or pair.renaming.certain)
    }
    return replace(case.alignment.inventory, entries=_sorted(entries), groups=(), objects=None)


def _sorted(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    return dict(sorted(entries.items()))
