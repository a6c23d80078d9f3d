"""Says why a TensorFlow checkpoint does not fit a graph, and rewrites it so that it does."""

from __future__ import annotations

from contextlib import AbstractContextManager

from ckptdoctor.version import __version__

__all__ = ["__version__", "explain_restore"]


def explain_restore() -> AbstractContextManager[None]:
    """Explains restores that fail, or that leave a value of another shape behind. See `ckptdoctor.watch.restores`."""
    from ckptdoctor.watch import restores

    return restores.explain_restore()
