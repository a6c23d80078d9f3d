"""Conversions: everything that `ckptdoctor convert` can do, with Python values for its options."""

from __future__ import annotations

import functools
import inspect
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec

from ckptdoctor.api.graphs import DEFAULT_TIMEOUT, Args, GraphName, Inputs
from ckptdoctor.api.names import NameMap, Renames, names_of
from ckptdoctor.api.opened import CheckpointName, OpenedCheckpoint, checkpoint_of
from ckptdoctor.errors import UsageError

if TYPE_CHECKING:
    from ckptdoctor.conversion.plan import Plan
    from ckptdoctor.conversion.request import SettledPlan
    from ckptdoctor.diagnosis.diagnosis import Diagnosis
    from ckptdoctor.formats.checkpoint import Checkpoint
    from ckptdoctor.graphs.request import GraphRequest
    from ckptdoctor.proof.receipt import ProvedReceipt
    from ckptdoctor.proof.written import Proof
    from ckptdoctor.specs.inventory import Inventory

__all__ = ["Conversion", "convert", "parse_size", "plan_conversion"]

_Options = ParamSpec("_Options")

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]?)(i?)B?", re.IGNORECASE)
_KERNEL = re.compile(r"(\d+)x(\d+)")


@dataclass(frozen=True, slots=True, repr=False)
class Conversion:
    """A conversion that is planned and checked, and has written nothing yet."""

    checkpoint: Checkpoint
    output: str
    settled: SettledPlan
    force: bool
    link: bool
    diagnosis: Diagnosis | None = None
    request: GraphRequest | None = None
    unproved: str = ""
    fresh: tuple[str, ...] = ()
    unsafe: bool = False

    @property
    def plan(self) -> Plan:
        """The operations, in order."""
        return self.settled.plan

    @property
    def source(self) -> Inventory:
        """The checkpoint that is converted."""
        return self.checkpoint.inventory

    def __repr__(self) -> str:
        return f"<conversion of {self.source.source!r} to {self.output!r}: {len(self.plan.ops):,} operations>"

    def __str__(self) -> str:
        from ckptdoctor.reports.plain_text import plain_text
        from ckptdoctor.reports.plan_text import print_plan

        return plain_text(lambda console: print_plan(self.plan, self.source, console))

    def run(self, advance: Callable[[int], object] = lambda size: None) -> ProvedReceipt:
        """Writes the output, whole or not at all; with a graph, the owner's loader loads it before it is in place.

        Args:
            advance: hears bytes as they are worked through.

        Raises:
            UsageError: the output is the source, or linking is impossible.
            OutputError: the output exists, or cannot be written.
            RestoreRefused: the owner's loader does not load it as it is meant.
            FormatError: the source is damaged.
        """
        from ckptdoctor.conversion.from_diagnosis import unresolved
        from ckptdoctor.executor.convert import convert as run_plan
        from ckptdoctor.proof.receipt import ProvedReceipt

        proofs: list[Proof | None] = []
        receipt = run_plan(
            self.checkpoint,
            self.plan,
            self.output,
            target=self.settled.target,
            options=self.settled.options,
            force=self.force,
            link=self.link,
            advance=advance,
            approve=lambda staged: proofs.append(self._proof(staged)),
        )
        written = {field.name: getattr(receipt, field.name) for field in fields(receipt)}
        proof = replace(proofs[0], fresh=self.fresh) if proofs[0] else None
        left = unresolved(self.diagnosis, unsafe=self.unsafe) if self.diagnosis else ()
        return ProvedReceipt(**written, proof=proof, unresolved=left)

    def _proof(self, staged: Mapping[Path, Path]) -> Proof | None:
        """Whether what lies there loads into the graph; None without one."""
        from ckptdoctor.conversion.fit import fit_of
        from ckptdoctor.conversion.plan import derive
        from ckptdoctor.proof import written

        if self.diagnosis is None:
            return None
        target = self.settled.target
        derived = derive(self.plan, self.source)
        fit = fit_of(self.diagnosis, derived, target.family)
        if self.request is None or self.unproved:
            return written.unproved(fit, self.unproved)
        return written.prove(staged, self.output, target, self.request, fit, self.checkpoint, derived)


def plan_conversion(
    checkpoint: CheckpointName | OpenedCheckpoint,
    output: CheckpointName,
    *,
    graph: GraphName | object | None = None,
    inputs: Inputs = (),
    args: Args = (),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    python: GraphName = "",
    timeout: float = DEFAULT_TIMEOUT,
    cache: bool = True,
    unsafe: bool = False,
    fresh_head: bool = False,
    rename: Renames = (),
    map: NameMap | None = None,
    ema: bool = False,
    to: str = "",
    by_name: bool = False,
    max_shard_size: int | str = 0,
    dtype: Any = "",
    whole: bool = False,
    partition: Mapping[str, int | tuple[int, int]] | Sequence[str] = (),
    conv_to_dense: bool = False,
    dense_to_conv: bool = False,
    kernel: tuple[int, int] | str | None = None,
    only: str | Sequence[str] = (),
    depthwise_to_conv: bool = False,
    conv_to_depthwise: bool = False,
    kernels: tuple[str, str] | str = "",
    flatten: Mapping[str, Sequence[int]] | Sequence[str] = (),
    input_channels: int = 0,
    fold_batchnorm: bool = False,
    fold: Mapping[str, str] | Sequence[str] = (),
    epsilon: float | None = None,
    cudnn_to_plain: bool = False,
    plain_to_cudnn: bool = False,
    vocabulary: tuple[CheckpointName, CheckpointName] | None = None,
    new_rows: str = "zeros",
    optimizer: Literal["keep", "drop"] = "keep",
    plan: CheckpointName | None = None,
    undo: bool = False,
    link: bool = False,
    force: bool = False,
    proof: bool = True,
) -> Conversion:
    """Plans and checks a conversion; nothing is written before `run()`, but the plan file where one is asked for.

    Without any option a V1 checkpoint becomes a V2 bundle of the same variables. Messages of errors name the options as
    the command line has them: `--conv-to-dense` is `conv_to_dense`.

    Args:
        checkpoint: a prefix, a file of it, a directory, or an opened checkpoint.
        output: a prefix, or a name that ends in .npz, .safetensors, .h5, .weights.h5 or .keras.
        graph: make it fit this graph, or live model; see `ckptdoctor.diff`.
        inputs, args, include, exclude, python, timeout, cache: of the comparison with the graph; see `ckptdoctor.diff`.
        unsafe: apply remedies that are guesses or lose bits, too.
        fresh_head: initial values, by the graph's own initializers, for what the checkpoint lacks or what cannot fit, so that
            the plain load works; all variables of a layer go together.
        rename: regular expressions and their replacements.
        map: whole keys and their new names: a dict, or a file.
        ema: moving averages in their variables' place.
        to: the format; else the output's name decides.
        by_name: a bundle for `tf.compat.v1.train.Saver`, where the graph's objects would make one for TensorFlow 2.
        max_shard_size: several files of at most this size: bytes, or "5GB".
        dtype: cast floating-point tensors to it: a name or a NumPy type.
        whole: partitioned variables as one tensor each.
        partition: globs, each with a number of slices, or with that and an axis: `{"*/embeddings": (4, 0)}`.
        conv_to_dense: kernels [kh,kw,in,out] to [kh·kw·in,out].
        dense_to_conv: and back; see `kernel`.
        kernel: height and width of convolution kernels.
        only: globs; convert these keys only.
        depthwise_to_conv: [kh,kw,in,m] to [kh,kw,in,in·m]; needs `only`.
        conv_to_depthwise: and back, where it is one.
        kernels: another library's, as `("theano", "tensorflow")`: tensorflow, theano, keras-theano, pytorch.
        flatten: with `kernels`, dense kernels that take a flattened map: `{"dense_1/*": (64, 7, 7)}`, channels first.
        input_channels: images of so many channels; 0 as they are.
        fold_batchnorm: batch normalisation into the layer before it.
        fold: which layer is before a normalisation: `{"conv1": "bn1"}`.
        epsilon: of the normalisations (0.001).
        cudnn_to_plain: CuDNN's LSTM and GRU as plain ones.
        plain_to_cudnn: and back.
        vocabulary: tables for another vocabulary: an old and a new file, a word a line.
        new_rows: rows of new words: `zeros`, `normal` or `normal:0.02`.
        optimizer: an optimizer's state: `keep` or `drop` it.
        plan: a plan file to run; with other options, where theirs is saved.
        undo: undo the plan in the file: the checkpoint is what it made.
        link: hard-link the data; possible where no byte of it changes.
        force: replace an existing output.
        proof: with a graph that is built from Python source, whether its library's own loader loads what was written, and
            every variable is compared, before the output is in place.

    Raises:
        UsageError: options contradict each other, or one cannot be fulfilled.
        GraphError, FormatError: the graph cannot be built, or a file cannot be read.
    """
    from ckptdoctor.conversion.request import ConversionRequest
    from ckptdoctor.conversion.wishes import Wishes
    from ckptdoctor.formats.registry import target_of

    wishes = Wishes(
        names=names_of(rename, map, ema=ema),
        drop_optimizer=_optimizer(optimizer),
        whole=whole,
        kernels=kernels if isinstance(kernels, str) else ":".join(kernels),
        flatten=_words(flatten, lambda sizes: "x".join(str(size) for size in sizes)),
        cudnn_to_plain=cudnn_to_plain,
        plain_to_cudnn=plain_to_cudnn,
        fold=fold_batchnorm,
        fold_pairs=_words(fold, str),
        epsilon=epsilon,
        input_channels=input_channels,
        vocabulary=(Path(vocabulary[0]), Path(vocabulary[1])) if vocabulary else None,
        new_rows=new_rows,
        depthwise_to_conv=depthwise_to_conv,
        conv_to_depthwise=conv_to_depthwise,
        conv_to_dense=conv_to_dense,
        dense_to_conv=dense_to_conv,
        kernel=_kernel(kernel),
        only=(only,) if isinstance(only, str) else tuple(only),
    )
    name = os.fspath(output)
    request = ConversionRequest(
        target_of(name, to),
        wishes,
        unsafe,
        dtype if isinstance(dtype, str) else _dtype_name(dtype),
        _words(partition, _slices),
        Path(plan) if plan else None,
        undo,
        by_name,
        parse_size(max_shard_size),
        fresh_head,
    )
    opened = checkpoint_of(checkpoint)
    if graph is None:
        if fresh_head:
            raise UsageError("--fresh-head is for a graph", hint="Add --graph GRAPH.")
        return Conversion(opened, name, request.settle(opened.inventory, None), force, link)
    from ckptdoctor.api.comparison import compare, side_of
    from ckptdoctor.graphs.request import GraphRequest

    side = side_of(graph, inputs=inputs, args=args, python=python, timeout=timeout, cache=cache)
    diagnosis = compare(side, opened, include=include, exclude=exclude, prepare=wishes)
    built = side if isinstance(side, GraphRequest) else None
    unproved = (
        "" if built else f"{diagnosis.alignment.graph.source} is read and not built, so that no loader was called"
    )
    fresh: list[str] = []

    def complete(plan: Plan) -> Plan:
        from ckptdoctor.conversion import fresh_head as heads

        if not fresh_head:
            return plan
        if built is None:
            raise UsageError(
                f"{diagnosis.alignment.graph.source} is read and not built, so that its initializers cannot run",
                hint="--fresh-head is for a graph of Python source.",
            )
        head = heads.fresh_head(plan, opened.inventory, diagnosis, built, request.target.family)
        fresh.extend(variable.name for variable in head.variables)
        return head.plan

    settled = request.settle(opened.inventory, diagnosis, complete)
    reason = unproved if proof else "no proof was asked for"
    return Conversion(opened, name, settled, force, link, diagnosis, built, reason, tuple(fresh), unsafe)


def _carried_out(plan: Callable[_Options, Conversion]) -> Callable[_Options, ProvedReceipt]:
    """The function that plans a conversion and runs it: the same options, stated once."""

    @functools.wraps(plan)
    def convert(*args: _Options.args, **kwargs: _Options.kwargs) -> ProvedReceipt:
        return plan(*args, **kwargs).run()

    options = (plan.__doc__ or "").partition("\n\n")[2]
    convert.__name__ = convert.__qualname__ = "convert"
    convert.__doc__ = f"{_CONVERT}\n{options}"
    # `help` and editors that run code see the options, and that it gives a receipt.
    signature = inspect.signature(plan).replace(return_annotation="ProvedReceipt")
    convert.__signature__ = signature  # type: ignore[attr-defined]
    return convert


_CONVERT = """Writes a checkpoint that fits. The source is never changed, and the output appears whole or not at all.

        ckptdoctor.convert("model.ckpt", "out.weights.h5", graph="graph.py:net")
        ckptdoctor.convert("model.ckpt", "out.ckpt", conv_to_dense=True, only="vgg_16/fc*")
"""

convert = _carried_out(plan_conversion)


def _words(given: Mapping[str, Any] | Sequence[str], show: Callable[[Any], str]) -> tuple[str, ...]:
    """`NAME=VALUE` each, as the command line has them."""
    if isinstance(given, str):
        return (given,)
    if isinstance(given, Mapping):
        return tuple(f"{name}={show(value)}" for name, value in given.items())
    return tuple(given)


def _slices(parts: int | tuple[int, int]) -> str:
    return str(parts) if isinstance(parts, int) else f"{parts[0]}@{parts[1]}"


def _optimizer(state: str) -> bool:
    if state not in ("keep", "drop"):
        raise UsageError(f"optimizer {state!r} is neither keep nor drop", hint='Choose "keep" or "drop".')
    return state == "drop"


def _dtype_name(dtype: Any) -> str:
    return str(getattr(dtype, "name", None) or getattr(dtype, "__name__", dtype))


def _kernel(kernel: tuple[int, int] | str | None) -> tuple[int, int] | None:
    """Height and width.

    Raises:
        UsageError: it is not HxW, or one of them is 0.
    """
    if not kernel:
        return None
    text = kernel if isinstance(kernel, str) else "x".join(str(size) for size in kernel)
    match = _KERNEL.fullmatch(text)
    if not match or "0" in match.groups():
        raise UsageError(f"--kernel {text!r} is not HxW", hint="For example --kernel 7x7.")
    return int(match[1]), int(match[2])


def parse_size(size: int | str) -> int:
    """Bytes, from `500MB`, `2GiB`, `5G` or a number; 0 from nothing.

    Raises:
        UsageError: it is no size above 0.
    """
    if not size:
        return 0
    match = _SIZE.fullmatch(str(size).strip())
    unit = (1024 if match[3] else 1000) ** " kmgt".index(match[2].lower() or " ") if match else 0
    count = int(float(match[1]) * unit) if match else 0
    if not count:
        raise UsageError(f"{size!r} is no size", hint="For example --max-shard-size 500MB or 5GB.")
    return count
