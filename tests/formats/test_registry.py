"""What the records say of the formats, against what the formats do."""

from __future__ import annotations

from pathlib import Path

import pytest

import ckptdoctor
from ckptdoctor.errors import UsageError
from ckptdoctor.formats.format import Format, Probe
from ckptdoctor.formats.registry import FORMATS, WRITTEN, make_writer, refusal, target_of
from ckptdoctor.formats.target import Incoming, TargetOptions
from ckptdoctor.io.atomic_output import AtomicOutput
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.tensor import TensorSpec

OPTIONS = TargetOptions({"a/w": "layers/a/vars/0"}, "{}", "3.0")


@pytest.mark.parametrize("record", FORMATS, ids=lambda record: record.name)
def test_a_format_is_opened_or_refused_with_a_next_step(record: Format) -> None:
    assert (record.open is None) == bool(record.refusal)
    assert (record.family is None) == bool(record.refusal)
    assert (record.write is None) == (not record.target)


@pytest.mark.parametrize("record", WRITTEN.values(), ids=lambda record: record.target)
def test_strings_are_written_where_the_record_says_so(record: Format, tmp_path: Path) -> None:
    spec = TensorSpec(dtype_from_name("string"), (2,))
    written = True
    with AtomicOutput() as output:
        try:
            tensors = {"a/w": Incoming(spec, strings=(b"x", b"yy"))}
            writer = make_writer(record, str(tmp_path / "out"), output, tensors, OPTIONS)
            assert b"yy" in (writer.layout.parts[0].data or b"")
            writer.finish([0])
        except UsageError:
            written = False
    assert written == record.strings


@pytest.mark.parametrize("record", WRITTEN.values(), ids=lambda record: record.target)
def test_several_files_are_written_where_the_record_says_so(record: Format, tmp_path: Path) -> None:
    keys = {f"{name}/w": f"layers/{name}/vars/0" for name in "ab"}
    tensors = dict.fromkeys(keys, Incoming(TensorSpec(dtype_from_name("float32"), (64,))))
    with AtomicOutput() as output:
        try:
            make_writer(
                record, str(tmp_path / "out"), output, tensors, TargetOptions(keys, "{}", "3.0", max_shard_size=256)
            )
        except UsageError as error:
            assert not record.sharded
            assert record.target in error.message
        else:
            assert record.sharded


@pytest.mark.parametrize(
    ("output", "target"),
    [
        ("m.ckpt", "tensor-bundle"),
        ("m.H5", "keras-h5"),
        ("m.weights.h5", "keras-weights"),
        ("m.weights.json", "keras-weights"),
        ("m.safetensors.index.json", "safetensors"),
        ("m.keras", "keras-model"),
        ("m.npz", "npz"),
    ],
)
def test_the_longest_ending_of_a_name_asks_for_the_format(output: str, target: str) -> None:
    assert target_of(output).target == target
    assert target_of(output, "npz").target == "npz"


def test_any_file_is_of_some_format(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\xff\xfe\xfd" * 50)
    assert "a binary file without a table's end" in refusal(Probe(path)).message


def test_messages_are_declared_in_one_place() -> None:
    package = Path(ckptdoctor.__file__).parent
    declaring = [path.name for path in package.rglob("*.py") if "import Message, declare" in path.read_text("utf-8")]
    assert declaring == ["tensorflow_messages.py"]
    assert [path.name for path in package.rglob("*.py") if "= declare(" in path.read_text("utf-8")] == declaring
