"""npz: a zip archive of NumPy arrays, one member a tensor.

    member := NAME.npy
    npy    := "\\x93NUMPY", version u8 u8, header size (u16 in version 1, u32 later), header, data
    header := a Python literal {"descr": dtype, "fortran_order": bool, "shape": tuple}

Arrays of Python objects are pickles: refused, never opened.

Source: NumPy, numpy/lib/format.py (the NPY format) and numpy/lib/_npyio_impl.py, `savez`.
"""

from __future__ import annotations

import tokenize
import zipfile
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from ckptdoctor.containers.zip_archive import FAILURES, Member, ZipArchive, leads_out
from ckptdoctor.errors import Corrupt, FormatError, UsageError, reason
from ckptdoctor.formats.checkpoint import Advance, StoredBytes
from ckptdoctor.formats.format import Format, Probe
from ckptdoctor.formats.mapped_tensors import Load, MappedTensors
from ckptdoctor.formats.target import Specs, check_crc, copy_chunks
from ckptdoctor.io import crc32c
from ckptdoctor.io.atomic_output import AtomicOutput
from ckptdoctor.io.store import LOCAL, Store
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
    """Writes an archive of arrays, unpacked, so that they can be mapped.

    Raises:
        UsageError: a tensor has a type that NumPy has not.
    """

    def __init__(self, destination: str, output: AtomicOutput, specs: Specs) -> None:
        foreign = [key for key, spec in specs.items() if spec.dtype.itemsize and spec.dtype.is_extended]
        if foreign:
            raise UsageError(
                f"{foreign[0]} is {specs[foreign[0]].dtype}, which NumPy's format has not",
                hint="Cast it with a plan step, or write safetensors.",
            )
        for key in specs:
            if leads_out(key) or "\\" in key:
                raise UsageError(
                    f"{key!r} would lead out of the archive", hint="Rename it: --rename 'REGEX=REPLACEMENT'."
                )
        self._zip = zipfile.ZipFile(output.create(Path(destination)), "w", zipfile.ZIP_STORED, allowZip64=True)
        output.if_abandoned(self._abandon)

    def _abandon(self) -> None:
        """Without a file the archive has nothing to complete when it is collected."""
        self._zip.fp = None

    def _member(self, key: str, spec: TensorSpec) -> BinaryIO:
        import numpy as np

        file = self._zip.open(zipfile.ZipInfo(key + _SUFFIX), "w", force_zip64=True)
        dtype = np.dtype(spec.dtype.to_numpy())
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": spec.shape}
        np.lib.format.write_array_header_1_0(file, header)
        return cast(BinaryIO, file)

    def add_stored(self, key: str, spec: TensorSpec, stored: StoredBytes, advance: Advance) -> None:
        """See `TargetWriter`."""
        crc = 0
        with self._member(key, spec) as file:
            for extent in stored.extents:
                for chunk in LOCAL.open(extent.file).chunks(extent.offset, extent.size):
                    file.write(chunk)
                    crc = crc32c.extend(crc, chunk)
                    advance(len(chunk))
        check_crc(key, stored, crc)

    def add_chunks(self, key: str, spec: TensorSpec, chunks: Iterable[NDArray[Any]], advance: Advance) -> None:
        """See `TargetWriter`."""
        with self._member(key, spec) as file:
            copy_chunks(chunks, file, advance)

    def add_strings(self, key: str, spec: TensorSpec, values: NDArray[Any], advance: Advance) -> None:
        """Strings become an array of bytes of one length, as NumPy keeps them."""
        import numpy as np

        texts = [bytes(text) for text in values.reshape(-1)]
        if any(text.endswith(b"\0") for text in texts):
            raise UsageError(f"{key}: a string ends with a zero byte, which NumPy drops", hint="Write a tensor bundle.")
        array = np.array(texts or [b""], dtype=np.bytes_)[: len(texts)].reshape(spec.shape)
        with self._zip.open(zipfile.ZipInfo(key + _SUFFIX), "w", force_zip64=True) as file:
            np.lib.format.write_array(file, array, allow_pickle=False)
        advance(array.nbytes)

    def finish(self) -> None:
        """Writes the directory of the archive."""
        self._zip.close()


NPZ = Format(
    FORMAT,
    _is_npz,
    Family.ARRAYS,
    lambda probe: open_npz(probe.archive, probe.store) if probe.archive else None,
    target=FORMAT,
    write=lambda destination, output, specs, layout: NpzWriter(destination, output, specs),
    endings=(".npz",),
    strings=True,
    checksums=True,
)
