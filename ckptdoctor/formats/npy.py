"""npy of a dict of arrays, as `numpy.save(path, {name: array})` writes it: an array of one object, which is a pickle.

    file   := "\\x93NUMPY", version u8 u8, header size, header, pickle
    header := a Python literal {"descr": "|O", "fortran_order": False, "shape": ()}

The pickle is not loaded. Its instructions are followed here, those alone that NumPy writes for a dict of arrays; the only
names that may stand in it are NumPy's own for making an array and its type, and they are taken as words: nothing is
imported, and nothing is called.

Source: NumPy, numpy/lib/format.py, `write_array`; numpy/_core/src/multiarray/methods.c, `array_reduce` and `array_setstate`;
descriptor.c, `arraydescr_reduce`. Python, Lib/pickletools.py, for the instructions.
"""

from __future__ import annotations

import re
import tokenize
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ckptdoctor.errors import Corrupt, FormatError, reason
from ckptdoctor.formats.format import Format, Probe, starts_with
from ckptdoctor.formats.mapped_tensors import Load, MappedTensors
from ckptdoctor.limits import MAX_ELEMENTS, MAX_RANK
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.inventory import Entry, Family, Inventory
from ckptdoctor.specs.tensor import Extent, TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = "npy (a dict of arrays)"

_MAGIC = b"\x93NUMPY"
_RECONSTRUCT = ("numpy._core.multiarray _reconstruct", "numpy.core.multiarray _reconstruct")
_NDARRAY, _DTYPE = "numpy ndarray", "numpy dtype"
_CODE = re.compile(r"b1|[iufcSU]\d{1,7}")
_MOST_STEPS = 4_000_000
"""Instructions of one pickle; an array takes about sixty."""
_LONGEST_WORD = 1 << 16
_DAMAGED = "The file is damaged: fetch or write it again."


class _NotOfArraysError(Exception):
    """The pickle holds something else than a dict of arrays."""


@dataclass(frozen=True, slots=True)
class _Bytes:
    """Bytes of the pickle, left where they lie."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class _Name:
    """A function's or a class's name."""

    name: str


@dataclass(slots=True)
class _DType:
    """A type of elements: its code, such as `f4`, and the byte order that is set later."""

    code: str
    order: str = ""


@dataclass(slots=True)
class _Array:
    """An array; its state is set later: shape, type, whether it is column-major, and its bytes, or the objects in it."""

    shape: tuple[int, ...] = ()
    dtype: _DType | None = None
    fortran: bool = False
    data: Any = None


_MARK = object()


class _Pickle:
    """Follows a pickle's instructions; what they would make is described, not made.

    Raises:
        _NotOfArraysError: an instruction or a name is none that a dict of arrays needs.
        ValueError, IndexError, KeyError: the pickle is damaged.
    """

    def __init__(self, view: memoryview, position: int) -> None:
        self._view, self._position = view, position
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def root(self) -> Any:
        """What the pickle describes."""
        for _ in range(_MOST_STEPS):
            code = bytes(self._take(1))
            if code == b".":
                return self._stack.pop()
            if code not in _STEPS:
                raise _NotOfArraysError(f"the instruction {code!r} at byte {self._position - 1:,}")
            _STEPS[code](self)
        raise ValueError(f"more than {_MOST_STEPS:,} instructions")

    def _take(self, size: int) -> memoryview:
        start, self._position = self._position, self._position + size
        if self._position > len(self._view):
            raise ValueError("it ends early")
        return self._view[start : self._position]

    def _number(self, size: int, *, signed: bool = False) -> int:
        return int.from_bytes(self._take(size), "little", signed=signed)

    def skip(self, size: int) -> None:
        self._take(size)

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def integer(self, size: int, *, signed: bool = False) -> None:
        self._stack.append(self._number(size, signed=signed))

    def long(self) -> None:
        self._stack.append(self._number(self._number(1), signed=True))

    def text(self, size: int) -> None:
        length = self._number(size)
        if length > _LONGEST_WORD:
            raise ValueError(f"a word of {length:,} bytes")
        self._stack.append(bytes(self._take(length)).decode("utf-8"))

    def data(self, size: int) -> None:
        length = self._number(size)
        self._stack.append(_Bytes(self._position, length))
        self._take(length)

    def _line(self) -> str:
        line = bytes(self._view[self._position : self._position + _LONGEST_WORD]).partition(b"\n")[0]
        self._take(len(line) + 1)
        return line.decode("utf-8")

    def name(self) -> None:
        self._named(self._line(), self._line())

    def stacked_name(self) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._named(module, name)

    def _named(self, module: Any, name: Any) -> None:
        known = f"{module} {name}" if isinstance(module, str) and isinstance(name, str) else ""
        if known not in (*_RECONSTRUCT, _NDARRAY, _DTYPE):
            raise _NotOfArraysError(known.replace(" ", ".") or "a name that is no text")
        self._stack.append(_Name(known))

    def _marked(self) -> list[Any]:
        at = len(self._stack) - 1
        while self._stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise ValueError("no mark")
        items = self._stack[at + 1 :]
        del self._stack[at:]
        return items

    def marked_tuple(self) -> None:
        self._stack.append(tuple(self._marked()))

    def tuple_of(self, count: int) -> None:
        if len(self._stack) < count:
            raise ValueError("the stack is empty")
        self._stack[-count:] = [tuple(self._stack[-count:])]

    def append(self, items: Callable[[_Pickle], list[Any]]) -> None:
        added = items(self)
        if not isinstance(self._stack[-1], list):
            raise ValueError("no list")
        self._stack[-1].extend(added)

    def set_items(self, items: Callable[[_Pickle], list[Any]]) -> None:
        added = items(self)
        table = self._stack[-1]
        if not isinstance(table, dict) or len(added) % 2:
            raise ValueError("no dict")
        for key, value in zip(added[::2], added[1::2], strict=True):
            name = self.word(key)
            if name in table:
                raise ValueError(f"{name!r} occurs twice")
            table[name] = value

    def last(self, count: int) -> list[Any]:
        return [self._stack.pop() for _ in range(count)][::-1]

    def word(self, value: Any) -> str:
        """A text; Python 2 wrote it as bytes."""
        if isinstance(value, _Bytes) and value.size <= _LONGEST_WORD:
            return bytes(self._view[value.offset : value.offset + value.size]).decode("utf-8")
        if not isinstance(value, str):
            raise _NotOfArraysError(f"{_shown(value)} as a key")
        return value

    def remember(self, number: int | None = None) -> None:
        self._memo[len(self._memo) if number is None else self._number(number)] = self._stack[-1]

    def recall(self, size: int) -> None:
        self._stack.append(self._memo[self._number(size)])

    def reduce(self) -> None:
        arguments, function = self._stack.pop(), self._stack.pop()
        name = function.name if isinstance(function, _Name) else ""
        if not isinstance(arguments, tuple):
            raise ValueError("no arguments")
        if name in _RECONSTRUCT and arguments[:1] == (_Name(_NDARRAY),):
            self._stack.append(_Array())
        elif name == _DTYPE and len(arguments) == 3:
            self._stack.append(_DType(self.word(arguments[0])))
        else:
            raise _NotOfArraysError(f"a call of {name.replace(' ', '.') or _shown(function)}")

    def build(self) -> None:
        state, target = self._stack.pop(), self._stack[-1]
        if isinstance(target, _DType):
            if not isinstance(state, tuple) or len(state) < 8 or state[2:5] != (None, None, None):
                raise _NotOfArraysError("elements of several parts")
            target.order = self.word(state[1])
        elif isinstance(target, _Array):
            if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[2], _DType):
                raise ValueError("an array without its state")
            target.shape, target.dtype, target.fortran, target.data = state[1], state[2], bool(state[3]), state[4]
        else:
            raise _NotOfArraysError(f"a state for {_shown(target)}")


def _step(method: Callable[..., None], *arguments: Any, **named: Any) -> Callable[[_Pickle], None]:
    return lambda pickle: method(pickle, *arguments, **named)


_STEPS: dict[bytes, Callable[[_Pickle], None]] = {
    b"\x80": _step(_Pickle.skip, 1),  # PROTO
    b"\x95": _step(_Pickle.skip, 8),  # FRAME
    b"(": _step(_Pickle.push, _MARK),
    b"N": _step(_Pickle.push, None),
    b"\x88": _step(_Pickle.push, True),
    b"\x89": _step(_Pickle.push, False),
    b"K": _step(_Pickle.integer, 1),
    b"M": _step(_Pickle.integer, 2),
    b"J": _step(_Pickle.integer, 4, signed=True),
    b"\x8a": _Pickle.long,
    b"\x8c": _step(_Pickle.text, 1),
    b"X": _step(_Pickle.text, 4),
    b"\x8d": _step(_Pickle.text, 8),
    b"C": _step(_Pickle.data, 1),
    b"B": _step(_Pickle.data, 4),
    b"\x8e": _step(_Pickle.data, 8),
    b"U": _step(_Pickle.data, 1),
    b"T": _step(_Pickle.data, 4),
    b"c": _Pickle.name,
    b"\x93": _Pickle.stacked_name,
    b")": _step(_Pickle.push, ()),
    b"t": _Pickle.marked_tuple,
    b"\x85": _step(_Pickle.tuple_of, 1),
    b"\x86": _step(_Pickle.tuple_of, 2),
    b"\x87": _step(_Pickle.tuple_of, 3),
    b"]": lambda pickle: pickle.push([]),
    b"a": _step(_Pickle.append, partial(_Pickle.last, count=1)),
    b"e": _step(_Pickle.append, _Pickle._marked),
    b"}": lambda pickle: pickle.push({}),
    b"s": _step(_Pickle.set_items, partial(_Pickle.last, count=2)),
    b"u": _step(_Pickle.set_items, _Pickle._marked),
    b"q": _step(_Pickle.remember, 1),
    b"r": _step(_Pickle.remember, 4),
    b"\x94": _Pickle.remember,
    b"h": _step(_Pickle.recall, 1),
    b"j": _step(_Pickle.recall, 4),
    b"R": _Pickle.reduce,
    b"b": _Pickle.build,
}
"""The instructions that NumPy's pickles of arrays consist of (Python, Lib/pickletools.py, `opcodes`)."""


def _shown(value: object) -> str:
    return f"an object of type {type(value).__name__.strip('_').lower()}"


def open_npy(probe: Probe) -> MappedTensors | None:
    """Opens a dict of arrays; None if the file holds one plain array.

    Raises:
        FormatError: the file is damaged, or its pickle is of something else.
    """
    import numpy as np

    path = probe.path
    try:
        with probe.file.stream() as stream:
            version = np.lib.format.read_magic(stream)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(stream)
            start = stream.tell()
    except (ValueError, SyntaxError, TypeError, OSError, tokenize.TokenError) as error:
        raise Corrupt(path, "header", reason(error), hint=_DAMAGED) from error
    if not dtype.hasobject:
        return None
    view = probe.file.view(0, probe.file.size, "pickle")
    try:
        if shape:
            raise _NotOfArraysError(f"an array of objects, {list(shape)}")
        root = _Pickle(view, start).root()
        if not isinstance(root, _Array) or root.shape != () or not isinstance(root.data, list) or len(root.data) != 1:
            raise _NotOfArraysError(_shown(root))
        arrays = root.data[0]
        if not isinstance(arrays, dict):
            raise _NotOfArraysError(_shown(arrays))
        entries, extents, loads = _tensors(probe, view, arrays)
    except _NotOfArraysError as error:
        raise FormatError(
            path,
            "pickle",
            f"it holds {error}",
            expected="a dict of arrays",
            hint="Pickles run code when loaded, so nothing else is read of one. Save plain arrays: numpy.savez.",
        ) from error
    except (ValueError, IndexError, KeyError) as error:
        raise Corrupt(path, "pickle", reason(error), hint=_DAMAGED) from error
    return MappedTensors(
        Inventory(str(path), FORMAT, Family.ARRAYS, (path,), entries), extents, loads, store=probe.store
    )


def _tensors(
    probe: Probe, view: memoryview, arrays: dict[str, Any]
) -> tuple[dict[str, Entry], dict[str, Extent], dict[str, Load]]:
    entries: dict[str, Entry] = {}
    extents: dict[str, Extent] = {}
    loads: dict[str, Load] = {}
    for key, array in sorted(arrays.items()):
        if not isinstance(array, _Array):
            raise _NotOfArraysError(f"{_shown(array)} under {key!r}")
        spec, dtype = _spec(key, array)
        if array.data.size != dtype.itemsize * spec.elements:
            raise ValueError(f"{array.data.size:,} bytes for {key!r} {spec}")
        entries[key] = Entry(key, spec)
        plain = dtype.kind not in "SU" and dtype.newbyteorder("<") == dtype
        if plain and (not array.fortran or len(spec.shape) < 2):
            extents[key] = Extent(probe.path, array.data.offset, array.data.size)
        else:
            loads[key] = partial(
                _load, view[array.data.offset :][: array.data.size], spec, dtype, fortran=array.fortran
            )
    return entries, extents, loads


def _spec(key: str, array: _Array) -> tuple[TensorSpec, Any]:
    import numpy as np

    code, shape = array.dtype.code if array.dtype else "", array.shape
    if not _CODE.fullmatch(code) or not isinstance(array.data, _Bytes):
        raise _NotOfArraysError(f"elements of {code} under {key!r}")
    if not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError(f"{key!r} has no shape")
    order = array.dtype.order if array.dtype else ""
    try:
        dtype = np.dtype(code).newbyteorder(">" if order == ">" else "<")
        known = dtype_from_name("string" if dtype.kind in "SU" else dtype.newbyteorder("=").name)
    except (TypeError, KeyError):
        raise _NotOfArraysError(f"elements of {code} under {key!r}") from None
    spec = TensorSpec(known, shape)
    if len(shape) > MAX_RANK or spec.elements > MAX_ELEMENTS:
        raise ValueError(f"{key!r} has too many elements")
    return spec, dtype


def _load(data: memoryview, spec: TensorSpec, dtype: Any, *, fortran: bool) -> NDArray[Any]:
    import numpy as np

    values = np.frombuffer(data, dtype).reshape(spec.shape, order="F" if fortran else "C")
    if dtype.kind in "SU":
        encoded = np.empty(values.size, dtype=object)
        encoded[:] = [text if isinstance(text, bytes) else text.encode() for text in values.reshape(-1).tolist()]
        return encoded.reshape(spec.shape)
    return np.array(values, dtype=dtype.newbyteorder("="), order="C")


NPY = Format(FORMAT, starts_with(_MAGIC), Family.ARRAYS, open_npy)
"""An array without names is opened as none, and refused as what it is."""
