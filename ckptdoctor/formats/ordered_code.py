"""The key of one slice of a tensor: an encoding whose bytes sort as its parts do.

    slice key := num(0) string(name) num(rank) (signed(start) signed(length))*
    num       := length:uint8 big-endian bytes without leading zeros
    string    := bytes, with 00 as 00 FF and FF as FF 00, then 00 01
    signed    := 1 to 10 bytes; the number of leading one bits (zero bits if negative) tells how many

Source: TensorFlow, tensorflow/core/util/saved_tensor_slice_util.cc, `EncodeTensorNameSlice`;
tensorflow/core/lib/strings/ordered_code.cc.
"""

from __future__ import annotations

from ckptdoctor.specs.tensor import TensorSlice

_MAX_SIGNED_BYTES = 10


def slice_key(name: bytes, part: TensorSlice) -> bytes:
    """The table key under which a slice of the tensor `name` is stored."""
    key = _number(0) + _string(name) + _number(len(part.starts))
    for start, length in zip(part.starts, part.lengths, strict=True):
        key += _signed(start) + _signed(length)
    return key


def _number(value: int) -> bytes:
    size = (value.bit_length() + 7) // 8
    return bytes([size]) + value.to_bytes(size, "big")


_ESCAPES = {0x00: b"\x00\xff", 0xFF: b"\xff\x00"}


def _string(text: bytes) -> bytes:
    return b"".join(_ESCAPES.get(byte) or bytes([byte]) for byte in text) + b"\x00\x01"


def _signed(value: int) -> bytes:
    bits = (~value if value < 0 else value).bit_length()
    # n bytes hold n header bits, a sign bit and 7 n - 1 bits of the value.
    size = min(bits // 7 + 1, _MAX_SIGNED_BYTES)
    header = ((1 << size) - 1) << (8 * size - size)
    encoded = (value & ((1 << 8 * size) - 1)) ^ header
    return encoded.to_bytes(size, "big")
