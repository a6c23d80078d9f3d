"""The names of a bundle's files.

Source: TensorFlow, tensorflow/core/util/tensor_bundle/naming.cc, `MetaFilename` and `DataFilename`.
"""

from __future__ import annotations

import re
from pathlib import Path

_DATA = re.compile(r"(?P<stem>.*)\.data-\d{5}-of-\d{5}")


def index_path(prefix: str) -> Path:
    """The index of a bundle. A prefix may end in a slash: its index is then `DIRECTORY/.index`."""
    return Path(prefix + ".index")


def shard_path(prefix: str, shard: int, shards: int) -> Path:
    """One data shard of a bundle."""
    return Path(f"{prefix}.data-{shard:05d}-of-{shards:05d}")


def prefix_of(path: str) -> str | None:
    """The prefix that an index's or a shard's path belongs to, or None if it is neither's."""
    if path.endswith(".index"):
        return path.removesuffix(".index")
    match = _DATA.fullmatch(path)
    return match["stem"] if match else None
