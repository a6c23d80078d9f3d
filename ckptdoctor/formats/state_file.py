"""The `checkpoint` state file: which checkpoint of a directory is the latest.

    state := text-format CheckpointState: model_checkpoint_path: "PREFIX"  all_model_checkpoint_paths: "PREFIX" …

Source: TensorFlow, tensorflow/python/checkpoint/checkpoint_management.py, `get_checkpoint_state` and
`generate_checkpoint_state_proto`.
"""

from __future__ import annotations

import json
from pathlib import Path

from ckptdoctor.containers.tensorflow_messages import CheckpointState
from ckptdoctor.errors import Corrupt
from ckptdoctor.io.store import LOCAL, Store
from ckptdoctor.limits import MAX_STATE_FILE

STATE_FILE = "checkpoint"


def read_latest(path: Path, store: Store = LOCAL) -> str:
    """The latest checkpoint's path, as the state file has it.

    Raises:
        Corrupt: the file is no state file, or names no checkpoint.
    """
    from google.protobuf import text_format

    hint = "Name the checkpoint's prefix itself."
    file = store.open(path)
    if file.size > MAX_STATE_FILE:
        raise Corrupt(path, "checkpoint state file", "is too large", hint=hint)
    try:
        text = bytes(file.view(0, file.size, "checkpoint state file")).decode("utf-8")
        state = text_format.Parse(text, CheckpointState(), allow_unknown_field=True)
    except (UnicodeDecodeError, text_format.ParseError) as error:
        raise Corrupt(path, "checkpoint state file", f"cannot be parsed ({error})", hint=hint) from error
    if not state.model_checkpoint_path:
        raise Corrupt(path, "checkpoint state file", "names no model_checkpoint_path", hint=hint)
    return str(state.model_checkpoint_path)


def format_state(prefix_name: str) -> str:
    """A state file for one checkpoint in the same directory."""
    quoted = json.dumps(prefix_name, ensure_ascii=False)
    return f"model_checkpoint_path: {quoted}\nall_model_checkpoint_paths: {quoted}\n"
