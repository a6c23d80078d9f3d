"""What the owners' loaders really do: `python truth.py TASKS ANSWERS`, a process for each library.

A task is a line of JSON: `{"save": [variant, library, format], "record": file}` or `{"load": pair id, "record": file}`:
what was saved is told in a file beside it, which a load of the other library's process waits for. The answer to each
load is a line of JSON in ANSWERS.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow")

from formats import ENDINGS
from live import Live, library_of, live, load, save
from marks import OWN, Sources, marked
from pairs import Pair, all_pairs, net_of
from stores import stored_tensors

MEANINGFUL = ("exact", "cast")


def main() -> None:
    tasks, answers = Path(sys.argv[1]), Path(sys.argv[2])
    pairs = {pair.id: pair for pair in all_pairs()}
    logging.getLogger().addHandler(HEARD)
    library_of("tf_keras" if os.environ.get("TF_USE_LEGACY_KERAS") == "1" else "keras3")
    gc.freeze()  # a session is cleared before each model, and that looks through all that lives
    with answers.open("a", encoding="utf-8") as file:
        for line in tasks.read_text("utf-8").splitlines():
            task = json.loads(line)
            record = Path(task["record"])
            print(json.dumps({"begun": task["key"]}), file=file, flush=True)
            if "save" in task:
                record.parent.mkdir(parents=True, exist_ok=True)
                partial = record.with_suffix(".partial")
                partial.write_text(json.dumps(saved(*task["save"], record.parent)), "utf-8")
                partial.replace(record)
            else:
                answer = loaded(pairs[task["load"]], _waited_for(record))
                print(json.dumps({**answer, "id": task["load"], "key": task["key"]}), file=file, flush=True)


def _waited_for(record: Path) -> dict[str, Any]:
    while not record.exists():
        time.sleep(0.5)
    return json.loads(record.read_text("utf-8"))


class Heard(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(_first_line(record.getMessage()))


HEARD = Heard()


def saved(variant: str, library: str, format: str, directory: Path) -> dict[str, Any]:
    """Saves a variant with values of its own everywhere; says which key is meant for what."""
    try:
        with _quiet(), live(net_of(variant), library, format) as model:
            fill(model, 0)
            path = save(model, str(directory / ("model" + ENDINGS[format])), library, format)
            stored = Sources(stored_tensors(path, format))
            values = model.read()
            held = {use: values[number] for use, number in model.uses.items()}
    except Exception as error:
        return {"unsaved": _shown(error)}
    meant = {use: stored.holder(value, value[..., None])[0] for use, value in held.items()}
    return {"path": path, "meant": meant}


def loaded(pair: Pair, source: dict[str, Any]) -> dict[str, Any]:
    """Loads a pair; says what each variable holds afterwards."""
    if "unsaved" in source:
        return {"skipped": "cannot be saved: " + source["unsaved"]}
    resource = "reference" not in pair.route.loader
    error = ""
    HEARD.lines.clear()
    with _quiet() as warned, contextlib.ExitStack() as stack:
        try:
            target = live(net_of(pair.target), pair.route.flavour, pair.route.format, resource=resource)
            model = stack.enter_context(target)
        except Exception as problem:
            return {"skipped": "cannot be built: " + _shown(problem)}
        own = fill(model, OWN)
        warned.clear()
        try:
            status = load(model, source["path"], pair.route)
        except Exception as problem:
            error, status = _shown(problem), None
        heard = [_first_line(str(item.message)) for item in warned] + HEARD.lines
        variables = _held(model, own, Sources(stored_tensors(source["path"], pair.route.format)))
        del status
    return {
        "path": source["path"],
        "error": error,
        "warnings": heard,
        "variables": variables,
        "fits": _fits(model, variables, source["meant"], error),
    }


def fill(model: Live, first: int) -> list[Any]:
    """Gives each variable values of its own; gives those of the model's variables."""
    values = [marked(first + number, *kind) for number, kind in enumerate(model.types())]
    model.write(values)
    return values[: len(model.variables)]


def _held(model: Live, own: list[Any], sources: Sources) -> list[dict[str, Any]]:
    uses = {number: use for use, number in model.uses.items()}
    found = []
    for number, ((name, variable), value) in enumerate(zip(model.variables, model.read(), strict=True)):
        key, how = sources.holder(value, own[number])
        shape = [int(size) for size in variable.shape]
        found.append(
            {
                "name": name,
                "use": uses.get(number, ""),
                "shape": shape,
                "holds": key,
                "how": how,
                "given": list(value.shape),
            }
        )
    return found


def _fits(model: Live, variables: list[dict[str, Any]], meant: dict[str, str], error: str) -> bool | None:
    """Whether every variable of the model holds the value that is meant for it; None where a meaning is not known."""
    if any(key in ("mixed", "ambiguous", "own") for key in meant.values()):
        return None
    if error:
        return False
    wanted = [(item, meant.get(item["use"])) for item in variables if item["use"] in model.uses]
    return all(
        item["holds"] == key and item["how"] in MEANINGFUL and item["given"] == item["shape"] for item, key in wanted
    )


def _shown(error: Exception) -> str:
    return f"{type(error).__name__}: {_first_line(str(error))}"


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:300]


@contextlib.contextmanager
def _quiet() -> Iterator[list[warnings.WarningMessage]]:
    """Records warnings instead of printing them."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


if __name__ == "__main__":
    main()
