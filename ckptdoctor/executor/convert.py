"""Writes what a plan makes of a checkpoint, in any format that can be written."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ckptdoctor.conversion.plan import Derived, Plan, derive
from ckptdoctor.errors import Corrupt, UsageError
from ckptdoctor.executor.elements import elements
from ckptdoctor.formats.checkpoint import Advance, Checkpoint
from ckptdoctor.formats.format import Format
from ckptdoctor.formats.registry import make_writer
from ckptdoctor.formats.state_file import STATE_FILE, format_state
from ckptdoctor.formats.target import Layout
from ckptdoctor.formats.tensor_bundle.format import TENSOR_BUNDLE
from ckptdoctor.formats.tensor_bundle.naming import prefix_of
from ckptdoctor.formats.tensor_bundle.reader import TensorBundle
from ckptdoctor.formats.tensor_bundle.writer import BundleWriter, reindex
from ckptdoctor.io.atomic_output import AtomicOutput
from ckptdoctor.io.store import LOCAL
from ckptdoctor.ops.elements import chunks, sliced
from ckptdoctor.specs.inventory import OBJECT_GRAPH_KEY, Entry


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was written.

    Attributes:
        prefix: the new checkpoint.
        files: its files.
        tensors: how many it holds.
        changed: how many of them have another key, shape, type or order than in the source.
        copied: bytes copied as they were.
        computed: bytes that went through NumPy.
        linked: whether the data are hard links to the source's.
    """

    prefix: str
    files: tuple[Path, ...]
    tensors: int
    changed: int
    copied: int
    computed: int
    linked: bool


def convert(
    checkpoint: Checkpoint,
    plan: Plan,
    prefix: str,
    *,
    target: Format = TENSOR_BUNDLE,
    layout: Layout = Layout(),  # noqa: B008, it is frozen
    force: bool = False,
    link: bool = False,
    advance: Advance = lambda size: None,
) -> Receipt:
    """Runs a plan. The output appears whole or not at all; checksums are compared on what is copied.

    Args:
        checkpoint: the source.
        plan: what to do.
        prefix: of the new bundle; an `.index` or shard name of it is understood.
        target: the format to write.
        layout: what the format must know beside the tensors; formats by position need the graph's order.
        force: replace an existing output.
        link: hard-link the data instead of copying it; only where no byte of it changes.
        advance: hears bytes as they are worked through.

    Raises:
        UsageError: the plan does not fit, the output is the source, or linking is impossible.
        OutputError: the output exists, or cannot be written.
        FormatError: the source is damaged.
    """
    bundle = target is TENSOR_BUNDLE
    prefix = (prefix_of(prefix) or prefix) if bundle else prefix
    made = derive(plan, checkpoint.inventory)
    if not bundle:
        made.pop(OBJECT_GRAPH_KEY, None)  # it describes a tensor bundle's keys, and no other format has it
    _require_other(checkpoint, prefix)
    whole = bundle and not layout.max_shard_size and _index_only(checkpoint, made)
    if link and not whole:
        raise UsageError(
            "--link needs a V2 bundle of which only names and shapes change",
            hint="Leave --link out: the bytes are copied, and what changes is computed.",
        )
    before = {path: LOCAL.identity(path) for path in checkpoint.inventory.files}
    with AtomicOutput(force=force) as output:
        if isinstance(checkpoint, TensorBundle) and whole:
            kept = {origin.source: Entry(key, item.spec) for key, item in made.items() if (origin := item.origin)}
            reindex(checkpoint, kept, prefix, output, advance, link=link)
        else:
            order = list(layout.places) if target.by_position else []
            _rewrite(checkpoint, _ordered(made, order), layout, target, prefix, output, advance)
        state = Path(prefix).parent / STATE_FILE
        if bundle and not state.exists():
            output.create(state).write(format_state(Path(prefix).name).encode())
        _require_unchanged(before)
        files = output.commit()
    sizes = {True: 0, False: 0}
    for derived in made.values():
        sizes[derived.origin is not None] += derived.spec.nbytes
    entries = checkpoint.inventory.entries
    changed = sum(key != item.source for key, item in made.items())
    changed += len(entries.keys() - made.keys())
    return Receipt(prefix, files, len(made), changed, sizes[True], sizes[False], link)


def _require_unchanged(before: Mapping[Path, Hashable]) -> None:
    for path, identity in before.items():
        if LOCAL.identity(path) != identity:
            raise Corrupt(
                path,
                "file",
                "changed while it was read",
                hint="Nothing was written: convert it when nothing writes it.",
            )


def _require_other(checkpoint: Checkpoint, prefix: str) -> None:
    mine = {path.resolve() for path in checkpoint.inventory.files}
    if (
        Path(checkpoint.inventory.source).resolve() == Path(prefix).resolve()
        or Path(f"{prefix}.index").resolve() in mine
    ):
        raise UsageError("the output is the checkpoint itself", hint="Choose another prefix; inputs are never changed.")


def _index_only(checkpoint: Checkpoint, made: dict[str, Derived]) -> bool:
    """Whether the data can stay as it is: a bundle, nothing dropped, no value computed, no slice reshaped."""
    return (
        isinstance(checkpoint, TensorBundle)
        and len(made) == len(checkpoint.inventory.entries)
        and all(
            (origin := derived.origin) is not None
            and (derived.op is None or not checkpoint.inventory.entries[origin.source].slices)
            for derived in made.values()
        )
    )


def _ordered(made: dict[str, Derived], order: Sequence[str]) -> dict[str, Derived]:
    """The tensors by an order, and those outside it by the bytes of their keys, as a bundle's index has them."""
    place = {key: number for number, key in enumerate(order)}
    last = len(place)
    return dict(
        sorted(made.items(), key=lambda item: (place.get(item[0], last), item[0].encode("utf-8", "surrogateescape")))
    )


def _rewrite(
    checkpoint: Checkpoint,
    made: dict[str, Derived],
    layout: Layout,
    target: Format,
    prefix: str,
    output: AtomicOutput,
    advance: Advance,
) -> None:
    writer = make_writer(target, prefix, output, {key: item.spec for key, item in made.items()}, layout)
    for key, derived in made.items():
        origin = derived.origin
        slices = derived.op.slices(derived.spec.shape) if derived.op else ()
        if slices and isinstance(writer, BundleWriter):
            parts = ((part, chunks(sliced(elements(checkpoint, derived), part))) for part in slices)
            writer.add_slices(key, derived.spec, parts, advance)
            continue
        # Strings and variants lie in a bundle in a way of its own.
        alike = derived.spec.dtype.itemsize or isinstance(writer, BundleWriter)
        stored = checkpoint.stored(origin.source) if origin is not None and alike else None
        if stored is not None:
            writer.add_stored(key, derived.spec, stored, advance)
        elif derived.spec.dtype.itemsize:
            writer.add_chunks(key, derived.spec, chunks(elements(checkpoint, derived)), advance)
        else:
            writer.add_strings(key, derived.spec, elements(checkpoint, derived).whole(), advance)
    writer.finish()
