"""Writes what a plan makes of a checkpoint, in any format that can be written."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ckptdoctor.conversion.plan import Derived, Plan, derive
from ckptdoctor.errors import Corrupt, UsageError
from ckptdoctor.executor.elements import elements
from ckptdoctor.executor.run import reserve, run
from ckptdoctor.executor.tasks import CheckTensor, CopyFile, tasks_of
from ckptdoctor.formats.checkpoint import Advance, Checkpoint
from ckptdoctor.formats.fitted_name import saved_model_folder
from ckptdoctor.formats.format import Format
from ckptdoctor.formats.registry import make_writer
from ckptdoctor.formats.state_file import STATE_FILE, format_state
from ckptdoctor.formats.target import Incoming, TargetOptions
from ckptdoctor.formats.tensor_bundle.format import TENSOR_BUNDLE
from ckptdoctor.formats.tensor_bundle.naming import prefix_of
from ckptdoctor.io.atomic_output import AtomicOutput
from ckptdoctor.io.store import LOCAL
from ckptdoctor.specs.inventory import OBJECT_GRAPH_KEY, Entry


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was written.

    Attributes:
        prefix: the new checkpoint.
        files: its files.
        tensors: how many it holds.
        changed: how many of them have another key, shape, type or order than in the source.
        left_out: how many of the source's tensors nothing in it is made of.
        copied: bytes copied as they were.
        computed: bytes that went through NumPy.
        linked: whether the data are hard links to the source's.
    """

    prefix: str
    files: tuple[Path, ...]
    tensors: int
    changed: int
    left_out: int
    copied: int
    computed: int
    linked: bool


def convert(
    checkpoint: Checkpoint,
    plan: Plan,
    destination: str,
    *,
    target: Format = TENSOR_BUNDLE,
    options: TargetOptions = TargetOptions(),  # noqa: B008, it is frozen
    force: bool = False,
    link: bool = False,
    processes: int = 0,
    advance: Advance = lambda size: None,
    approve: Callable[[Mapping[Path, Path]], None] = lambda staged: None,
) -> Receipt:
    """Runs a plan. The output appears whole or not at all; checksums are compared on what is copied.

    Args:
        checkpoint: the source.
        plan: what to do.
        destination: the file, or the prefix of a bundle; an `.index` or shard name of it is understood.
        target: the format to write.
        options: what the format must know beside the tensors; formats by position need the graph's order.
        force: replace an existing output.
        link: hard-link the data instead of copying it; only where no byte of it changes.
        processes: how many share the work; 0 to do it here.
        advance: hears bytes as they are worked through.
        approve: looks at the files when they are complete and not in place yet, each with what it will be called; what it
            raises leaves nothing behind.

    Raises:
        UsageError: the plan does not fit, the output is the source, or linking is impossible.
        OutputError: the output exists, or cannot be written.
        FormatError: the source is damaged.
    """
    bundle = target is TENSOR_BUNDLE
    destination = (prefix_of(destination) or destination) if bundle else destination
    derived = derive(plan, checkpoint.inventory)
    if not bundle:
        derived.pop(OBJECT_GRAPH_KEY, None)  # it describes a tensor bundle's keys, and no other format has it
    _require_other(checkpoint, destination)
    data_files = target.data_files(checkpoint)
    whole = data_files is not None and not options.max_shard_size and _index_only(checkpoint, derived)
    if link and not whole:
        raise UsageError(
            "--link needs a V2 bundle of which only names and shapes change",
            hint="Leave --link out: the bytes are copied, and what changes is computed.",
        )
    before = {path: LOCAL.identity(path) for path in checkpoint.inventory.files}
    with AtomicOutput(force=force) as output:
        tensors: dict[str, Incoming] = {}
        if data_files is not None and whole:
            kept = {origin.source: Entry(key, item.spec) for key, item in derived.items() if (origin := item.origin)}
            writer = data_files.reindex(kept, destination, output, link=link)
        else:
            order = list(options.places) if target.by_position else []
            tensors = {key: _incoming(checkpoint, item, target) for key, item in _ordered(derived, order).items()}
            writer = make_writer(target, destination, output, tensors, options)
        layout, source = writer.layout, checkpoint.inventory.source
        reserve(layout)
        parts = list(tasks_of(layout, derived, tensors, checkpoint))
        checks = [CheckTensor(key, source, target.target) for key in layout.checked]
        copies = [CopyFile(file.source, file.destination) for file in layout.whole]
        done = run([*parts, *checks], copies, checkpoint, advance, processes=processes)
        writer.finish([item.checksum for item in done[: len(parts)]])
        state = Path(destination).parent / STATE_FILE
        if bundle and not state.exists():
            output.create(state).write(format_state(Path(destination).name).encode())
        _require_unchanged(before)
        approve(output.staged())
        files = output.commit()
    sizes = {True: 0, False: 0}
    for item in derived.values():
        sizes[item.origin is not None] += item.spec.nbytes
    changed = sum(key != item.source for key, item in derived.items())
    left_out = len(
        checkpoint.inventory.variables.keys() - frozenset().union(*(item.sources for item in derived.values()))
    )
    return Receipt(destination, files, len(derived), changed, left_out, sizes[True], sizes[False], link)


def _require_unchanged(before: Mapping[Path, Hashable]) -> None:
    for path, identity in before.items():
        if LOCAL.identity(path) != identity:
            raise Corrupt(
                path,
                "file",
                "changed while it was read",
                hint="Nothing was written: convert it when nothing writes it.",
            )


def _require_other(checkpoint: Checkpoint, destination: str) -> None:
    folder = saved_model_folder(destination)
    if folder is not None:
        raise UsageError(
            f"{destination} is within the SavedModel {folder}, whose variables belong to its graph",
            hint="Write it beside the SavedModel.",
        )
    mine = {path.resolve() for path in checkpoint.inventory.files}
    if (
        Path(checkpoint.inventory.source).resolve() == Path(destination).resolve()
        or Path(f"{destination}.index").resolve() in mine
    ):
        raise UsageError("the output is the checkpoint itself", hint="Choose another prefix; inputs are never changed.")


def _index_only(checkpoint: Checkpoint, derived: dict[str, Derived]) -> bool:
    """Whether the data can stay as they are: nothing dropped, no value computed, no slice reshaped."""
    entries = checkpoint.inventory.entries
    return len(derived) == len(entries) and all(
        (origin := item.origin) is not None and (item.op is None or not entries[origin.source].slices)
        for item in derived.values()
    )


def _ordered(derived: dict[str, Derived], order: Sequence[str]) -> dict[str, Derived]:
    """The tensors by an order, and those outside it by the bytes of their keys, as a bundle's index has them."""
    place = {key: number for number, key in enumerate(order)}
    last = len(place)
    return dict(
        sorted(derived.items(), key=lambda item: (place.get(item[0], last), item[0].encode("utf-8", "surrogateescape")))
    )


def _incoming(checkpoint: Checkpoint, item: Derived, target: Format) -> Incoming:
    """What a writer must know of a tensor."""
    slices = item.op.slices(item.spec.shape) if item.op is not None and target.slices else ()
    if item.spec.dtype.itemsize or not target.strings:
        return Incoming(item.spec, slices)
    origin = item.origin
    stored = checkpoint.stored(origin.source) if origin is not None else None
    if stored is not None and stored.encoding == target.target:
        return Incoming(item.spec, slices, stored)
    strings = tuple(bytes(text) for text in elements(checkpoint, item).whole().reshape(-1))
    return Incoming(item.spec, slices, None, strings)
