"""GGUF is told by its magic, whatever it is called, and refused."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from ckptdoctor.errors import NotACheckpoint
from ckptdoctor.formats.locate import open_checkpoint


@pytest.mark.parametrize("name", ["llama-7b.Q4_K_M.gguf", "model.ckpt", "weights.h5", "model.safetensors"])
def test_gguf_is_refused_with_what_to_do(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 20) + b"general.architecture")
    with pytest.raises(NotACheckpoint, match="this is a GGUF file") as caught:
        open_checkpoint(str(path))
    assert "safetensors" in caught.value.hint
