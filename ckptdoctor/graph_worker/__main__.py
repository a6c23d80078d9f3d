"""Run by path, under the interpreter that the user names: `python …/graph_worker FD REQUEST`.

The package is imported under a private name and is not left on `sys.path`, so that nothing in it can stand in for a module
of the user's, or the other way round.
"""

import sys

del sys.path[0]  # this directory, which Python put there: its modules must not hide those of other names

import importlib
import importlib.util
import os
import types

NAME = "_ckptdoctor_graph_worker"


def load() -> types.ModuleType:
    """The package's module that answers, under the package's private name."""
    directory = os.path.dirname(os.path.abspath(__file__))
    place = os.path.join(directory, "__init__.py")
    spec = importlib.util.spec_from_file_location(NAME, place, submodule_search_locations=[directory])
    assert spec is not None and spec.loader is not None
    package = sys.modules[NAME] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    return importlib.import_module(NAME + ".answer")


if __name__ == "__main__":
    load().main()
