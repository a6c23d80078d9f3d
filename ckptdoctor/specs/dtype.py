"""Element types, under TensorFlow's names and numbers.

Source: TensorFlow, tensorflow/core/framework/types.proto, `DataType`; names as `tf.DType.name` prints them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ckptdoctor.errors import UsageError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class DType:
    """One element type.

    Attributes:
        name: TensorFlow's name, such as `float32`.
        number: the value of the enum `DataType`.
        itemsize: bytes an element; 0 where elements have no fixed size (string, variant, resource).
        storage: the NumPy or ml_dtypes name of the stored elements; empty where there is none.
    """

    name: str
    number: int
    itemsize: int
    storage: str

    def __str__(self) -> str:
        return self.name

    @property
    def is_floating(self) -> bool:
        """Whether it is a real floating-point type."""
        return self.name.startswith(("float", "bfloat"))

    @property
    def is_integer(self) -> bool:
        """Whether it is an integer type (quantised types are not)."""
        return self.name.startswith(("int", "uint"))

    @property
    def is_extended(self) -> bool:
        """Whether NumPy itself lacks it, and `ml_dtypes` has it."""
        return self.storage in _ML_DTYPES

    def to_numpy(self) -> np.dtype[Any]:
        """The NumPy type of the elements (`ml_dtypes` names those that NumPy lacks).

        Raises:
            TypeError: the elements have no NumPy type.
            UsageError: the installed ml-dtypes is too old to have it.
        """
        import numpy as np

        if not self.storage:
            raise TypeError(f"{self.name} has no NumPy type")
        if self.storage in _ML_DTYPES:
            import ml_dtypes

            kind = getattr(ml_dtypes, self.storage, None)
            if kind is None:
                raise UsageError(
                    f"ml-dtypes {ml_dtypes.__version__} has no {self.storage}", hint="pip install --upgrade ml-dtypes"
                )
            extended: np.dtype[Any] = np.dtype(kind)
            return extended
        return np.dtype(self.storage)


_ML_DTYPES = frozenset(
    {
        "bfloat16",
        "float8_e5m2",
        "float8_e4m3fn",
        "float8_e4m3fnuz",
        "float8_e4m3b11fnuz",
        "float8_e5m2fnuz",
        "int4",
        "uint4",
        "int2",
        "uint2",
    }
)

DTYPES: tuple[DType, ...] = (
    DType("float32", 1, 4, "float32"),
    DType("float64", 2, 8, "float64"),
    DType("int32", 3, 4, "int32"),
    DType("uint8", 4, 1, "uint8"),
    DType("int16", 5, 2, "int16"),
    DType("int8", 6, 1, "int8"),
    DType("string", 7, 0, "object"),
    DType("complex64", 8, 8, "complex64"),
    DType("int64", 9, 8, "int64"),
    DType("bool", 10, 1, "bool"),
    DType("qint8", 11, 1, "int8"),
    DType("quint8", 12, 1, "uint8"),
    DType("qint32", 13, 4, "int32"),
    DType("bfloat16", 14, 2, "bfloat16"),
    DType("qint16", 15, 2, "int16"),
    DType("quint16", 16, 2, "uint16"),
    DType("uint16", 17, 2, "uint16"),
    DType("complex128", 18, 16, "complex128"),
    DType("float16", 19, 2, "float16"),
    DType("resource", 20, 0, ""),
    DType("variant", 21, 0, ""),
    DType("uint32", 22, 4, "uint32"),
    DType("uint64", 23, 8, "uint64"),
    DType("float8_e5m2", 24, 1, "float8_e5m2"),
    DType("float8_e4m3fn", 25, 1, "float8_e4m3fn"),
    DType("float8_e4m3fnuz", 26, 1, "float8_e4m3fnuz"),
    DType("float8_e4m3b11fnuz", 27, 1, "float8_e4m3b11fnuz"),
    DType("float8_e5m2fnuz", 28, 1, "float8_e5m2fnuz"),
    # TensorFlow's tensors keep these one to a byte, and so do its checkpoints.
    DType("int4", 29, 1, "int4"),
    DType("uint4", 30, 1, "uint4"),
    DType("int2", 31, 1, "int2"),
    DType("uint2", 32, 1, "uint2"),
)

_BY_NUMBER = {dtype.number: dtype for dtype in DTYPES}
_BY_NAME = {dtype.name: dtype for dtype in DTYPES} | {"half": _BY_NUMBER[19]}

_REFERENCE_OFFSET = 100

_ENUM_WORDS = {"float32": "FLOAT", "float64": "DOUBLE", "float16": "HALF"}


def dtype_from_number(number: int) -> DType:
    """The type of an enum value; a reference type (`DT_FLOAT_REF`, 101) is the type it refers to.

    Raises:
        KeyError: the number is unknown.
    """
    return _BY_NUMBER[number - _REFERENCE_OFFSET if number > _REFERENCE_OFFSET else number]


def dtype_from_name(name: str) -> DType:
    """The type of a TensorFlow name (`half` is understood too, and a trailing `_ref` dropped).

    Raises:
        KeyError: the name is unknown.
    """
    return _BY_NAME[name.removesuffix("_ref")]


def enum_names() -> dict[str, int]:
    """The names of the enum `DataType` and their numbers, reference types included."""
    names = {f"DT_{_ENUM_WORDS.get(dtype.name, dtype.name.upper())}": dtype.number for dtype in DTYPES}
    references = {f"{name}_REF": number + _REFERENCE_OFFSET for name, number in names.items()}
    return {"DT_INVALID": 0, **names, **references}
