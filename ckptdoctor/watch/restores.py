"""Watching restores: the program runs as it would, and what goes wrong in a restore is explained on standard error.

Watched are `tf.compat.v1.train.Saver.restore`, `tf.train.Checkpoint.restore` and `read`, and Keras's `load_weights`.
TensorFlow is never imported here: its modules are changed if they are loaded, else when the program loads them.
"""

from __future__ import annotations

import functools
import importlib.machinery
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from types import ModuleType
from typing import Any

from ckptdoctor.watch.accounts import keras_restored, object_restored, saver_restored

Account = Callable[[Any, str, BaseException | None, Mapping[str, Any]], None]

_SAVER, _OBJECTS = "tensorflow.python.training.saver", "tensorflow.python.checkpoint.checkpoint"
_WATCHED: dict[str, tuple[tuple[str, str, Account], ...]] = {
    _SAVER: (("Saver", "restore", saver_restored),),
    _OBJECTS: (
        ("Checkpoint", "restore", object_restored),
        ("Checkpoint", "read", object_restored),
        ("CheckpointV1", "restore", object_restored),
    ),
    "keras.src.models.model": (("Model", "load_weights", keras_restored),),
    "keras.src.engine.training": (("Model", "load_weights", keras_restored),),
    "tf_keras.src.engine.training": (("Model", "load_weights", keras_restored),),
}
"""Module → class, method, and who gives account of it."""


@contextmanager
def explain_restore() -> Iterator[None]:
    """Within it, a restore that fails, or that leaves a value of another shape behind, is explained on standard error.

    The program's own results and exceptions stay as they are.

        with ckptdoctor.explain_restore():
            saver.restore(session, path)
    """
    undo: list[Callable[[], None]] = []
    finder = _Finder(undo)
    for name in _WATCHED:
        module = sys.modules.get(name)
        if module is not None:
            undo += _watch(module)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for step in undo:
            step()


class _Finder(MetaPathFinder):
    """Finds the watched modules as Python would, and changes them once they are loaded."""

    def __init__(self, undo: list[Callable[[], None]]) -> None:
        self._undo = undo

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in _WATCHED:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Watcher(spec.loader, self._undo)
        return spec


class _Watcher(Loader):
    """A module's own loader, and a change to the module behind it."""

    def __init__(self, loader: Loader, undo: list[Callable[[], None]]) -> None:
        self._loader, self._undo = loader, undo

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._undo += _watch(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


def _watch(module: ModuleType) -> list[Callable[[], None]]:
    """Puts a watch around the methods of a module; gives what takes it away again."""
    undo: list[Callable[[], None]] = []
    for class_name, method, account in _WATCHED[module.__name__]:
        owner = getattr(module, class_name, None)
        own = vars(owner).get(method) if owner is not None else None
        if own is not None:
            setattr(owner, method, _watched(own, account))
            undo.append(functools.partial(setattr, owner, method, own))
    return undo


def _watched(method: Callable[..., Any], account: Account) -> Callable[..., Any]:
    path_at = 1 if account is saver_restored else 0

    @functools.wraps(method)
    def restore(self: Any, *args: Any, **kwargs: Any) -> Any:
        named = ("save_path", "filepath")
        global _within  # noqa: PLW0603, one flag for the process: TensorFlow's restores call one another
        if _within:
            return method(self, *args, **kwargs)
        path = args[path_at] if len(args) > path_at else next((kwargs[name] for name in named if name in kwargs), "")
        # Keras's second argument is how it treats what does not fit.
        options = {**kwargs, "skip_mismatch": args[1]} if account is keras_restored and len(args) > 1 else kwargs
        _within = True
        try:
            try:
                result = method(self, *args, **kwargs)
            except Exception as error:
                _give(account, self, path, error, options)
                raise
            _give(account, self, path, None, options)
            return result
        finally:
            _within = False

    return restore


_within = False


def _give(account: Account, restorer: Any, path: Any, error: BaseException | None, options: Mapping[str, Any]) -> None:
    """Gives account of one restore; no failure of ours gets out."""
    if not path:
        return
    try:
        account(restorer, str(path), error, options)
    except Exception as problem:
        print(f"ckptdoctor: this restore could not be explained: {type(problem).__name__}: {problem}", file=sys.stderr)
