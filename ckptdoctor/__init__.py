"""Says why a TensorFlow checkpoint does not fit a graph, and rewrites it so that it does."""

from __future__ import annotations

from contextlib import AbstractContextManager

__version__ = "0.1.0"

__all__ = ["explain_restore"]


def explain_restore() -> AbstractContextManager[None]:
    """Explains restores that fail, or that leave a value of another shape behind. See `ckptdoctor.watch.restores`."""
    from ckptdoctor.watch import restores

    return restores.explain_restore()
