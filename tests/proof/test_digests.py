"""How the graph's process tells a value: by the bytes in a file, or by a digest of them."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from ckptdoctor.graph_worker.digests import digest_of, is_at


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16, np.int8, bool, np.complex64])
def test_a_digest_is_of_the_values_however_they_lie_and_come(dtype: type) -> None:
    value = np.arange(24).reshape(2, 3, 4).astype(dtype)
    whole = digest_of([value])
    assert digest_of([value[:1], value[1:]]) == whole
    assert digest_of([np.asfortranarray(value)]) == whole
    changed = value.copy()
    changed[0, 0, 0] = 1
    assert digest_of([changed]) != whole


def test_strings_are_told_from_others_of_the_same_letters() -> None:
    def digest(*texts: bytes) -> str:
        return digest_of([np.array(texts, object)])

    assert digest(b"ab", b"c") != digest(b"a", b"bc")
    assert digest(b"ab", b"c") == digest(b"ab", b"c")


def test_bytes_are_compared_with_those_of_files_one_behind_the_other(tmp_path: Path) -> None:
    value = np.arange(3_000_000, dtype=np.float32).reshape(1000, 3000)
    first, second = tmp_path / "a", tmp_path / "b"
    data = value.tobytes()
    first.write_bytes(b"xyz" + data[:7_000_000])
    second.write_bytes(data[7_000_000:] + b"end")
    places = [[str(first), 3, 7_000_000], [str(second), 0, len(data) - 7_000_000]]
    assert is_at(value, places)
    assert not is_at(value, places[:1])
    assert not is_at(value, [*places, [str(second), 0, 4]])
    assert not is_at(value, [[str(first), 2, 7_000_000], places[1]])
    other = value.copy()
    other[-1, -1] += 1
    assert not is_at(other, places)
    assert is_at(value[:0], [])
