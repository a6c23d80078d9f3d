"""GGUF, the file of llama.cpp and ggml: known, and not read.

    file := "GGUF", version u32, tensors u64, metadata entries u64, …

Source: ggml, docs/gguf.md, "File Structure".
"""

from __future__ import annotations

from ckptdoctor.formats.format import Format, starts_with

GGUF = Format(
    "a GGUF file, whose weights are laid out, and mostly quantized, for llama.cpp",
    starts_with(b"GGUF"),
    refusal="Neither TensorFlow nor Keras loads it: name the safetensors or checkpoint files that it was converted from.",
)
