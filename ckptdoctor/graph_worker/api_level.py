"""Which of TensorFlow's APIs a source was written for, read from its syntax."""

from __future__ import annotations

import ast
import os
import types
from typing import Any, Dict, Iterator

from .sources import is_local

_TF1_MODULES = ("tf_slim", "tensorflow.compat.v1", "tensorflow.contrib")
_TF1_NAMES = ("layers", "app", "flags", "Session", "placeholder")
Trees = Dict[str, ast.AST]
"""A file → its syntax tree."""


def local_sources(path: str) -> Trees:
    """Syntax trees of a file and of the modules beside it that it imports, each once.

    Raises:
        SyntaxError: one of them is no Python.
    """
    pending = [path]
    trees: Trees = {}
    while pending:
        current = pending.pop()
        if current in trees:
            continue
        with open(current, "rb") as handle:
            trees[current] = tree = ast.parse(handle.read(), current)
        for root in {os.path.dirname(current), os.path.dirname(path), os.getcwd()}:
            for name in filter(None, _mentioned(tree)):
                stem = os.path.join(root, *name.split("."))
                candidates = (stem + ".py", os.path.join(stem, "__init__.py"))
                pending.extend(file for file in candidates if os.path.isfile(file) and is_local(file))
    return trees


def _mentioned(tree: ast.AST) -> Iterator[str]:
    """What a tree imports, and what may be a module in it; relative imports as those from beside it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            yield base
            for alias in node.names:
                yield base + "." + alias.name if base else alias.name


def imported_names(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """What a tree imports absolutely: the full name, and the name that it has there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, alias.asname or alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield node.module + "." + alias.name, alias.asname or alias.name


def _dotted(node: ast.AST) -> tuple[str | None, list[str]]:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, parts[::-1]) if isinstance(node, ast.Name) else (None, [])


def written_for(trees: Trees, tensorflow: Any) -> str:
    """`tf1` for sources that need TensorFlow 1's names, `compat` for those that ask for tf.compat.v1, else `tf2`."""
    levels = [_level(tree, tensorflow) for tree in trees.values()]
    return "tf1" if "tf1" in levels else "compat" if "compat" in levels else "tf2"


def _level(tree: ast.AST, tensorflow: Any) -> str:
    level = "tf2"
    aliases = set()
    for module, alias in imported_names(tree):
        if module.startswith("tensorflow.contrib"):
            return "tf1"
        if module == "tensorflow":
            aliases.add(alias.split(".")[0])
        if module.startswith(_TF1_MODULES):
            level = "compat"
    for node in ast.walk(tree):
        root, names = _dotted(node) if isinstance(node, ast.Attribute) else (None, [])
        if root not in aliases or not names:
            continue
        if names[:2] == ["compat", "v1"]:
            level = "compat"
        elif not _has_path(tensorflow, names[:2]) and (names[0] == "contrib" or _has_v1_name(tensorflow, names)):
            return "tf1"
    return level


def _has_path(module: Any, names: list[str]) -> bool:
    for name in names:
        try:
            module = getattr(module, name)
        except Exception:  # a module that is loaded when it is first used may fail in any way
            return False
        if not isinstance(module, types.ModuleType):
            return True
    return True


def _has_v1_name(tensorflow: Any, names: list[str]) -> bool:
    return names[0] in _TF1_NAMES or _has_path(tensorflow.compat.v1, names[:2])


def means_tf_keras(trees: Trees) -> bool:
    """Whether TensorFlow's Keras is tf_keras here, and a source names no other Keras.

    Source: TensorFlow, tensorflow/python/util/lazy_loader.py, `KerasLazyLoader`.
    """
    if os.environ.get("TF_USE_LEGACY_KERAS") not in ("true", "True", "1"):
        return False
    return not any(name.split(".")[0] == "keras" for tree in trees.values() for name, _ in imported_names(tree))


def uses_keras(trees: Trees) -> bool:
    """Whether a source names Keras, by itself or as TensorFlow's."""
    for tree in trees.values():
        for name, _ in imported_names(tree):
            if name.split(".")[0] == "keras" or name.startswith("tensorflow.keras"):
                return True
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and _dotted(node)[1][:1] == ["keras"]:
                return True
    return False
