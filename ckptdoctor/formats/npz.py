"""npz: a zip archive of NumPy arrays, one member a tensor.

    member := NAME.npy
    npy    := "\\x93NUMPY", version u8 u8, header size (u16 in version 1, u32 later), header, data
    header := a Python literal {"descr": dtype, "fortran_order": bool, "shape": tuple}

Arrays of Python objects are pickles: refused, never opened.

Source: NumPy, numpy/lib/format.py (the NPY format) and numpy/lib/_npyio_impl.py, `savez`.
"""

from __future__ import annotations

import tokenize
import zlib
from collections.abc import Sequence
from io import BytesIO
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ckptdoctor.containers.zip_archive import FAILURES, Member, ZipArchive, leads_out
from ckptdoctor.containers.zip_writer import ZipLayout
from ckptdoctor.errors import Corrupt, FormatError, UsageError, reason
from ckptdoctor.formats.format import Format, Probe, no_text
from ckptdoctor.formats.layout import Layout, Part
from ckptdoctor.formats.mapped_tensors import Load, MappedTensors
from ckptdoctor.formats.target import Incoming, Tensors
from ckptdoctor.io.atomic_output import AtomicOutput
from ckptdoctor.io.store import Store
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.inventory import Entry, Family, Inventory
from ckptdoctor.specs.tensor import Extent, TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = "npz"

_SUFFIX = ".npy"
# The header of an array is a Python literal.
_FAILURES = (*FAILURES, SyntaxError, TypeError, tokenize.TokenError)
_DAMAGED = "The file is damaged: fetch or write it again."


def _is_npz(probe: Probe) -> bool:
    """Whether it is an archive of arrays and nothing else."""
    members = probe.archive.members if probe.archive else ()
    return bool(members) and all(name.endswith(_SUFFIX) for name in members)


def open_npz(archive: ZipArchive, store: Store) -> MappedTensors:
    """Opens an archive of arrays.

    Raises:
        FormatError: an array is damaged, of Python objects, or of a type that TensorFlow has not.
    """
    path = archive.path
    entries, extents, loads = {}, dict[str, Extent](), dict[str, Load]()
    for name, member in archive.members.items():
        key = name.removesuffix(_SUFFIX)
        spec, header, size, plain = _read_header(archive, member)
        entries[key] = Entry(key, spec)
        if member.size - header != size:
            # NumPy makes room for what a header promises before it reads.
            raise Corrupt(
                path, f"member {name!r}", f"{member.size - header:,} bytes", expected=f"{size:,}", hint=_DAMAGED
            )
        if member.extent and plain:
            extents[key] = Extent(path, member.extent.offset + header, size)
        else:
            loads[key] = _loader(archive, name)
    inventory = Inventory(str(path), FORMAT, Family.ARRAYS, (path,), dict(sorted(entries.items())))
    return MappedTensors(inventory, extents, loads, archive.damaged, store)


def _read_header(archive: ZipArchive, member: Member) -> tuple[TensorSpec, int, int, bool]:
    """The spec, the sizes of header and data in bytes, and whether the data are little-endian and row-major."""
    import numpy as np

    where = f"member {member.name!r}"
    try:
        with archive.open(member.name) as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = read(file)
            header = file.tell()
    except _FAILURES as error:
        raise Corrupt(archive.path, where, reason(error), hint=_DAMAGED) from error
    if dtype.hasobject:
        raise FormatError(
            archive.path, where, "an array of Python objects, which is a pickle",
            hint="Pickles run code when loaded; ckptdoctor never opens one. Save plain arrays.",
        )  # fmt: skip
    size = dtype.itemsize * prod(shape)
    if dtype.kind in ("S", "U"):
        return TensorSpec(dtype_from_name("string"), tuple(shape)), header, size, False
    try:
        known = dtype_from_name(dtype.newbyteorder("=").name)
    except KeyError:
        raise FormatError(
            archive.path, where, f"elements of {dtype}", hint="TensorFlow has no such type; save the array as another."
        ) from None
    little = dtype.itemsize == 1 or dtype.newbyteorder("<") == dtype
    return TensorSpec(known, tuple(shape)), header, size, bool(little and (not fortran or len(shape) < 2))


def _loader(archive: ZipArchive, name: str) -> Load:
    def load() -> NDArray[Any]:
        import numpy as np

        try:
            with archive.open(name) as file:
                values = np.lib.format.read_array(file, allow_pickle=False)
        except _FAILURES as error:
            raise Corrupt(archive.path, f"member {name!r}", reason(error), hint=_DAMAGED) from error
        if values.dtype.kind in "SU":
            encoded = np.empty(values.size, dtype=object)
            encoded[:] = [text if isinstance(text, bytes) else text.encode() for text in values.reshape(-1).tolist()]
            return encoded.reshape(values.shape)
        return np.asarray(values, dtype=values.dtype.newbyteorder("="), order="C")

    return load


class NpzWriter:
    """Writes an archive of arrays, unpacked, so that they can be mapped. See `Writer`.

    Raises:
        UsageError: a tensor has a type that NumPy has not, or a key or string that the format cannot hold.
    """

    def __init__(self, destination: str, output: AtomicOutput, tensors: Tensors) -> None:
        foreign = [
            key for key, tensor in tensors.items() if tensor.spec.dtype.itemsize and tensor.spec.dtype.is_extended
        ]
        if foreign:
            raise UsageError(
                f"{foreign[0]} is {tensors[foreign[0]].spec.dtype}, which NumPy's format has not",
                hint="Cast it with a plan step, or write safetensors.",
            )
        for key in tensors:
            if leads_out(key) or "\\" in key:
                raise UsageError(
                    f"{key!r} would lead out of the archive", hint="Rename it: --rename 'REGEX=REPLACEMENT'."
                )
        self._stream = output.create(Path(destination))
        self._archive = ZipLayout()
        self._headers: list[tuple[int, bytes]] = []
        path, parts = Path(self._stream.name), []
        for key, tensor in tensors.items():
            spec = tensor.spec
            if spec.dtype.itemsize:
                header = _npy_header(spec)
                offset = self._archive.add(key + _SUFFIX, len(header) + spec.nbytes)
                self._headers.append((offset, header))
                extent = Extent(path, offset + len(header), spec.nbytes)
                parts.append(Part(key, spec, extent, checksum="crc32", start=zlib.crc32(header)))
            else:
                data = _npy_strings(key, tensor)
                extent = Extent(path, self._archive.add(key + _SUFFIX, len(data)), len(data))
                parts.append(Part(key, spec, extent, data=data, checksum="crc32"))
        self.layout = Layout(tuple(parts), {path: self._archive.size})

    def finish(self, checksums: Sequence[int]) -> None:
        """Writes the headers of the arrays, and the archive's own."""
        for offset, header in self._headers:
            self._stream.seek(offset)
            self._stream.write(header)
        self._archive.finish(self._stream, checksums)


def _npy_header(spec: TensorSpec) -> bytes:
    """What stands before the elements of an array."""
    import numpy as np

    header = BytesIO()
    descr = np.lib.format.dtype_to_descr(np.dtype(spec.dtype.to_numpy()))
    np.lib.format.write_array_header_1_0(header, {"descr": descr, "fortran_order": False, "shape": spec.shape})
    return header.getvalue()


def _npy_strings(key: str, tensor: Incoming) -> bytes:
    """An array of bytes of one length, as NumPy keeps strings.

    Raises:
        UsageError: NumPy would not keep one of them.
    """
    import numpy as np

    if any(text.endswith(b"\0") for text in tensor.strings):
        raise UsageError(f"{key}: a string ends with a zero byte, which NumPy drops", hint="Write a tensor bundle.")
    array = np.array(tensor.strings or [b""], dtype=np.bytes_)[: len(tensor.strings)].reshape(tensor.spec.shape)
    data = BytesIO()
    np.lib.format.write_array(data, array, allow_pickle=False)
    return data.getvalue()


def _key_problem(key: str) -> str:
    return "it would lead out of the archive" if leads_out(f"{key}.npy") else no_text(key)


NPZ = Format(
    FORMAT,
    _is_npz,
    Family.ARRAYS,
    lambda probe: open_npz(probe.archive, probe.store) if probe.archive else None,
    target=FORMAT,
    write=lambda destination, output, tensors, options: NpzWriter(destination, output, tensors),
    endings=(".npz",),
    strings=True,
    key_problem=_key_problem,
    checksums=True,
)
