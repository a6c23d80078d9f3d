"""HDF5: a tree of groups and datasets, read with h5py; every dataset is a tensor under its path.

Links that leave the file, and datasets whose bytes lie in other files, are refused. A group that is reached again is not
entered again.

Source: The HDF Group, "HDF5 File Format Specification", read through h5py (h5py/_hl/files.py, dataset.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from ckptdoctor.containers.zip_archive import FAILURES as ARCHIVE_FAILURES
from ckptdoctor.errors import Corrupt, FormatError, MissingPackage, reason
from ckptdoctor.io.stored_file import StoredFile
from ckptdoctor.limits import MAX_HDF5_OBJECTS, MAX_UNSTORED, MAX_ZIP_RATIO
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.inventory import Entry
from ckptdoctor.specs.tensor import Extent, TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAGIC = b"\x89HDF\r\n\x1a\n"

_DAMAGED = "The file is truncated or damaged: fetch it again."
_FAILURES = (KeyError, RuntimeError, TypeError, *ARCHIVE_FAILURES)


class Hdf5:
    """An opened HDF5 file.

    Args:
        file: the file, or the archive that it is in.
        source: the unpacked member of the archive, if it is in one.
        base: where the member's bytes begin in the archive, if they are not packed; None if they are.

    Attributes:
        entries: by path.
        extents: where the bytes of plain datasets lie.
        loads: how to load the others.

    Raises:
        MissingPackage: h5py is not installed.
        FormatError: the file is damaged, or has something that is not opened.
    """

    def __init__(self, file: StoredFile, source: BinaryIO | None = None, base: int | None = 0) -> None:
        try:
            import h5py
        except ImportError as error:
            raise MissingPackage(
                "reading Keras's HDF5 files needs h5py", hint="Install it: pip install h5py"
            ) from error
        self.path, self._h5py, self._base = file.path, h5py, base
        self.entries: dict[str, Entry] = {}
        self.extents: dict[str, Extent] = {}
        self.loads: dict[str, Callable[[], NDArray[Any]]] = {}
        self.attributes: dict[str, dict[str, Any]] = {}
        try:
            self._file = h5py.File(source if source is not None else file.local or file.stream(), "r")
            for name, dataset in self._walk():
                self._add(name, dataset)
        except FormatError:
            raise
        except _FAILURES as error:
            raise Corrupt(file.path, "HDF5 file", reason(error), hint=_DAMAGED) from error

    def _walk(self) -> Iterator[tuple[str, Any]]:
        pending: list[tuple[str, Any]] = [("", self._file)]
        seen = set()
        while pending:
            name, item = pending.pop()
            address = self._h5py.h5o.get_info(item.id).addr
            if isinstance(item, self._h5py.Dataset):
                yield name, item
                continue
            if address in seen:
                continue
            seen.add(address)
            if len(seen) + len(self.entries) > MAX_HDF5_OBJECTS:
                raise Corrupt(self.path, "HDF5 file", f"more than {MAX_HDF5_OBJECTS:,} objects", hint=_DAMAGED)
            self.attributes[name] = {key: self._attribute(item, key) for key in item.attrs}
            for child in item:
                link = item.get(child, getlink=True)
                where = f"{name}/{child}".lstrip("/")
                if isinstance(link, self._h5py.ExternalLink):
                    raise FormatError(
                        self.path,
                        f"link {where!r}",
                        f"leads into another file, {link.filename!r}",
                        hint="It is not followed.",
                    )
                if isinstance(link, self._h5py.HardLink):
                    pending.append((where, item[child]))

    def _attribute(self, item: Any, key: str) -> Any:
        try:
            return item.attrs[key]
        except _FAILURES:
            return None  # of a type that h5py has not

    def _add(self, name: str, dataset: Any) -> None:
        where = f"dataset {name!r}"
        if dataset.is_virtual or dataset.external:
            raise FormatError(self.path, where, "its bytes lie in other files", hint="They are not followed.")
        if dataset.shape is None:
            return
        spec = TensorSpec(self._dtype(where, dataset), tuple(int(size) for size in dataset.shape))
        stored = dataset.id.get_storage_size()
        if spec.nbytes > MAX_UNSTORED + MAX_ZIP_RATIO * stored:
            raise Corrupt(
                self.path,
                where,
                f"{stored:,} bytes stored for {spec}",
                hint="Its values were never written, or are made to fill memory.",
            )
        self.entries[name] = Entry(name, spec)
        offset = dataset.id.get_offset()
        plain = spec.dtype.itemsize and dataset.dtype.newbyteorder("<") == dataset.dtype and dataset.dtype.kind != "b"
        if offset is not None and plain and self._base is not None and dataset.chunks is None:
            self.extents[name] = Extent(self.path, self._base + offset, spec.nbytes)
        else:
            self.loads[name] = self._loader(where, dataset, spec)

    def _dtype(self, where: str, dataset: Any) -> Any:
        # Keras keeps bfloat16 as raw 16-bit words and says so (keras/src/saving/saving_lib.py, `H5Entry`).
        if dataset.attrs.get("dtype") == "bfloat16":
            return dtype_from_name("bfloat16")
        kind = dataset.dtype
        if kind.kind == "S" or self._h5py.check_string_dtype(kind) is not None:
            return dtype_from_name("string")
        try:
            return dtype_from_name(kind.newbyteorder("=").name)
        except KeyError:
            raise FormatError(self.path, where, f"elements of {kind}", hint="TensorFlow has no such type.") from None

    def _loader(self, where: str, dataset: Any, spec: TensorSpec) -> Callable[[], NDArray[Any]]:
        path = self.path  # not this object: a circle of references would hold the file open after its last user

        def load() -> NDArray[Any]:
            import numpy as np

            try:
                values = dataset[()]
            except _FAILURES as error:
                raise Corrupt(path, where, reason(error), hint=_DAMAGED) from error
            if spec.dtype.name == "string":
                flat = np.empty(spec.elements, dtype=object)
                items = np.asarray(values, dtype=object).reshape(-1).tolist()
                flat[:] = [
                    item if isinstance(item, bytes) else str(item).encode("utf-8", "surrogateescape") for item in items
                ]
                return flat.reshape(spec.shape)
            values = np.ascontiguousarray(np.asarray(values)).reshape(spec.shape)
            if spec.dtype.name == "bfloat16":
                return values.view(spec.dtype.to_numpy())
            return values.astype(spec.dtype.to_numpy(), copy=False)

        return load
