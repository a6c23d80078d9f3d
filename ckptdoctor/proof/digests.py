"""Digests of the values that variables are meant to hold, made while the owner's loader is at work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from ckptdoctor.conversion.plan import Derived
from ckptdoctor.executor.elements import elements
from ckptdoctor.formats.checkpoint import Checkpoint
from ckptdoctor.graph_worker.digests import digest_of
from ckptdoctor.ops.elements import chunks
from ckptdoctor.specs.dtype import DType
from ckptdoctor.specs.tensor import Extent


class Digests:
    """Digests of the tensors that a plan makes of a checkpoint, as a context manager; one thread makes them.

    Args:
        checkpoint: the source.
        derived: the plan's tensors.
    """

    def __init__(self, checkpoint: Checkpoint, derived: Mapping[str, Derived]) -> None:
        self._checkpoint, self._derived = checkpoint, derived
        self._pool = ThreadPoolExecutor(1)
        self._begun: dict[tuple[str, DType], Future[str]] = {}

    def __enter__(self) -> Digests:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def place(self, key: str, dtype: DType) -> tuple[Extent, ...] | None:
        """Where the bytes lie that a variable of a type is to hold; None where they must be computed.

        Raises:
            FormatError: the source's data is missing.
        """
        derived = self._derived[key]
        origin = derived.origin
        if origin is None or derived.spec.dtype != dtype or not dtype.itemsize:
            return None
        stored = self._checkpoint.stored(origin.source)
        return tuple(stored.extents) if stored is not None and not stored.encoding else None

    def begin(self, wanted: Iterable[tuple[str, DType]]) -> None:
        """Begins with the values of these keys, each as a variable of a type holds it."""
        for key, dtype in wanted:
            if (key, dtype) not in self._begun:
                self._begun[key, dtype] = self._pool.submit(self._digest, key, dtype)

    def of(self, key: str, dtype: DType) -> str:
        """The digest of a key's value, cast to a type where it has another one.

        Raises:
            FormatError, UsageError: the value cannot be read or computed.
        """
        self.begin([(key, dtype)])
        return self._begun[key, dtype].result()

    def _digest(self, key: str, dtype: DType) -> str:
        derived = self._derived[key]
        parts = chunks(elements(self._checkpoint, derived))
        if derived.spec.dtype != dtype:
            parts = (part.astype(dtype.to_numpy()) for part in parts)
        return digest_of(parts)
