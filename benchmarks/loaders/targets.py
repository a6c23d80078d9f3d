"""The changed networks as ckptdoctor reads them: the whole way, through a process that runs the user's file."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pairs import Pair, net_of
from runs import home
from warm import Warm

from ckptdoctor.errors import CkptDoctorError
from ckptdoctor.graphs.reading import read_graph
from ckptdoctor.graphs.request import GraphRequest
from ckptdoctor.specs.graph import GraphSpec

HERE = Path(__file__).resolve().parent
THREADS = 2


def request_of(pair: Pair, python: str) -> GraphRequest:
    """The graph of a pair as a command would name it."""
    args: dict[str, object] = {"net": repr(net_of(pair.target))}
    flavour, objects = pair.route.flavour, pair.route.format == "objects"
    if flavour == "graph":
        file, name = "target_graph.py", "graph"
        args["resource"] = "reference" not in pair.route.loader
    elif objects:
        file, name = ("target_tf_keras_objects.py" if flavour == "tf_keras" else "target_objects.py"), "checkpoint"
    else:
        file, name = ("target_tf_keras.py" if flavour == "tf_keras" else "target_keras.py"), "model"
    return GraphRequest(str(HERE / file), name, args=tuple(args.items()), python=python)


def graphs_of(pairs: Iterable[Pair], *, warm: bool = True) -> dict[str, GraphSpec | str]:
    """The graph of each pair by the pair's id, or why it cannot be read; each graph is read once.

    Args:
        pairs: of any libraries.
        warm: whether the interpreter has imported TensorFlow before; what it is asked, and answers, is the same.
    """
    found: dict[str, GraphSpec | str] = {}
    pairs = list(pairs)
    for legacy in (False, True):
        chosen = [pair for pair in pairs if (pair.route.flavour == "tf_keras") == legacy]
        if not chosen:
            continue
        with interpreter(legacy=legacy, warm=warm) as python:
            requests = {pair.id: request_of(pair, python) for pair in chosen}
            with ThreadPoolExecutor(THREADS) as pool:
                distinct = list(dict.fromkeys(requests.values()))
                read = dict(zip(distinct, pool.map(_read, distinct), strict=True))
        found |= {id: read[request] for id, request in requests.items()}
    return found


@contextlib.contextmanager
def interpreter(*, legacy: bool, warm: bool = True) -> Iterator[str]:
    """The interpreter that builds graphs, of Keras 3 or of tf_keras."""
    os.environ["XDG_CACHE_HOME"] = str(home() / "cache")
    os.environ["TF_USE_LEGACY_KERAS"] = "1" if legacy else "0"
    if not warm:
        yield GraphRequest("").python
        return
    made = Warm(home() / "warm", ["tensorflow", "tf_keras" if legacy else "keras"])
    try:
        yield str(made.python)
    finally:
        made.close()


def _read(request: GraphRequest) -> GraphSpec | str:
    try:
        return read_graph(request)
    except CkptDoctorError as error:
        return f"{type(error).__name__}: {error}"
