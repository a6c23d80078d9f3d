"""`ckptdoctor convert`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ckptdoctor import api
from ckptdoctor.cli.completion import complete_keys
from ckptdoctor.cli.options import (
    ArgOption,
    AveragesOption,
    CacheOption,
    CheckpointArgument,
    ExcludeOption,
    ForceOption,
    IncludeOption,
    InputOption,
    MapOption,
    PythonOption,
    RenameOption,
    TimeoutOption,
    parse_size,
)
from ckptdoctor.cli.terminal import command, console, progress, quiet, verbose, working
from ckptdoctor.errors import UsageError
from ckptdoctor.graphs.request import DEFAULT_TIMEOUT, graph_request

if TYPE_CHECKING:
    from ckptdoctor.conversion.plan import Plan
    from ckptdoctor.conversion.wishes import Wishes
    from ckptdoctor.diagnosis.diagnosis import Diagnosis
    from ckptdoctor.formats.format import Format
    from ckptdoctor.formats.target import Layout
    from ckptdoctor.specs.inventory import Inventory

_KERNEL = re.compile(r"(\d+)x(\d+)")


OptimizerState = Literal["keep", "drop"]
"""What becomes of an optimizer's state."""


@command
def convert(
    checkpoint: CheckpointArgument,
    output: Annotated[
        str,
        typer.Argument(metavar="OUTPUT", help="A prefix, or .npz .safetensors .h5 .weights.h5 .keras"),
    ],
    graph: Annotated[str, typer.Option("--graph", metavar="GRAPH", help="Make it fit this graph.")] = "",
    unsafe: Annotated[bool, typer.Option("--unsafe", help="Remedies that are guesses or lose bits, too.")] = False,
    rename: RenameOption = None,
    name_map: MapOption = None,
    target: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FORMAT",
            help="The format; else OUTPUT's name decides.",
        ),
    ] = "",
    by_name: Annotated[
        bool,
        typer.Option(
            "--by-name",
            hidden=True,
            help="A bundle for tf.compat.v1.train.Saver, where the graph's objects would make one for TensorFlow 2.",
        ),
    ] = False,
    max_shard_size: Annotated[
        str,
        typer.Option("--max-shard-size", hidden=True, metavar="SIZE", help="Several files of at most this size: 5GB."),
    ] = "",
    dtype: Annotated[
        str,
        typer.Option("--dtype", metavar="TYPE", help="Cast floating-point tensors: bfloat16, …"),
    ] = "",
    whole: Annotated[
        bool, typer.Option("--whole", hidden=True, help="Partitioned variables as one tensor each.")
    ] = False,
    parts: Annotated[
        list[str] | None,
        typer.Option("--partition", hidden=True, metavar="KEY=N[@AXIS]", help="These in N slices along AXIS (0)."),
    ] = None,
    to_dense: Annotated[
        bool,
        typer.Option("--conv-to-dense", help="Kernels [kh,kw,in,out] to [kh·kw·in,out]."),
    ] = False,
    to_conv: Annotated[
        bool,
        typer.Option("--dense-to-conv", help="And back; see --kernel."),
    ] = False,
    from_depthwise: Annotated[
        bool,
        typer.Option("--depthwise-to-conv", hidden=True, help="[kh,kw,in,m] to [kh,kw,in,in·m]; needs --only."),
    ] = False,
    to_depthwise: Annotated[
        bool, typer.Option("--conv-to-depthwise", hidden=True, help="And back, where it is one.")
    ] = False,
    kernels: Annotated[
        str,
        typer.Option(
            "--kernels",
            hidden=True,
            metavar="FROM:TO",
            help="Another library's: tensorflow, theano, keras-theano, pytorch.",
        ),
    ] = "",
    flatten: Annotated[
        list[str] | None,
        typer.Option(
            "--flatten",
            hidden=True,
            metavar="KEY=CxHxW",
            help="With --kernels: a dense kernel that takes a flattened map of this size.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="GLOB", help="Convert these keys only.", autocompletion=complete_keys),
    ] = None,
    kernel: Annotated[
        str,
        typer.Option("--kernel", metavar="HxW", help="The size of convolution kernels: 7x7."),
    ] = "",
    input_channels: Annotated[
        int,
        typer.Option("--input-channels", hidden=True, metavar="N", help="Images of N channels: 1, or 4 for 3."),
    ] = 0,
    fold: Annotated[
        bool,
        typer.Option("--fold-batchnorm", hidden=True, help="Batch normalisation into the layer before it."),
    ] = False,
    fold_pairs: Annotated[
        list[str] | None,
        typer.Option("--fold", hidden=True, metavar="LAYER=NORM", help="Which layer is before a normalisation."),
    ] = None,
    epsilon: Annotated[
        float | None, typer.Option("--epsilon", hidden=True, help="Of the normalisations (0.001).")
    ] = None,
    from_cudnn: Annotated[
        bool, typer.Option("--cudnn-to-plain", hidden=True, help="CuDNN's LSTM and GRU as plain ones.")
    ] = False,
    to_cudnn: Annotated[bool, typer.Option("--plain-to-cudnn", hidden=True, help="And back.")] = False,
    vocabulary: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            "--vocabulary",
            hidden=True,
            metavar="OLD NEW",
            help="Tables for another vocabulary: two files, a word a line.",
        ),
    ] = None,
    new_rows: Annotated[
        str,
        typer.Option("--new-rows", hidden=True, metavar="HOW", help="Rows of new words: zeros, normal:0.02."),
    ] = "zeros",
    optimizer: Annotated[
        OptimizerState,
        typer.Option("--optimizer", hidden=True, help="An optimizer's state: keep it, or drop it."),
    ] = "keep",
    averages: AveragesOption = False,
    plan_file: Annotated[
        Path | None,
        typer.Option(
            "--plan",
            metavar="FILE",
            help="Run this plan; with other options, save it.",
        ),
    ] = None,
    undo: Annotated[
        bool,
        typer.Option("--undo", hidden=True, help="Undo the plan: CHECKPOINT is what it made."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and write no checkpoint.")] = False,
    link: Annotated[
        bool, typer.Option("--link", hidden=True, help="Hard-link the data: possible where no byte of it changes.")
    ] = False,
    force: ForceOption = False,
    inputs: InputOption = None,
    args: ArgOption = None,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    python: PythonOption = "",
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    cache: CacheOption = True,
) -> None:
    """Write a checkpoint that fits. The source is never changed.

    Without any option a V1 checkpoint becomes a V2 bundle of the same variables.

    Examples:

        ckptdoctor convert vgg_16.ckpt vgg_fc.ckpt --graph vgg.py --input images:Nx224x224x3
        ckptdoctor convert vgg_16.ckpt vgg_fc.ckpt --conv-to-dense
        ckptdoctor convert vgg_fc.ckpt back.ckpt --dense-to-conv --kernel 7x7
        ckptdoctor convert model.keras model.safetensors
        ckptdoctor convert training/ck-9 model.weights.h5 --graph model.py
        ckptdoctor convert a.ckpt b.ckpt --rename 'weights$=kernel' --rename '^tower_0/='
        ckptdoctor convert old.h5 new.h5 --kernels theano:tensorflow --flatten 'dense_1/*=64x7x7'
    """
    from ckptdoctor.conversion.renames import Names
    from ckptdoctor.conversion.wishes import Wishes
    from ckptdoctor.formats.registry import target_of
    from ckptdoctor.reports.plan_text import print_plan, print_receipt

    wishes = Wishes(
        names=Names(tuple(rename or ()), name_map, averages),
        drop_optimizer=optimizer == "drop",
        whole=whole,
        kernels=kernels,
        flatten=tuple(flatten or ()),
        cudnn_to_plain=from_cudnn,
        plain_to_cudnn=to_cudnn,
        fold=fold,
        fold_pairs=tuple(fold_pairs or ()),
        epsilon=epsilon,
        input_channels=input_channels,
        vocabulary=vocabulary,
        new_rows=new_rows,
        depthwise_to_conv=from_depthwise,
        conv_to_depthwise=to_depthwise,
        conv_to_dense=to_dense,
        dense_to_conv=to_conv,
        kernel=_kernel_size(kernel),
        only=tuple(only or ()),
    )
    source = api.inspect(checkpoint)
    diagnosis = None
    if graph:
        request = graph_request(graph, inputs, args, python, timeout, cache)
        with working("comparing"):
            diagnosis = api.diff(request, checkpoint, include=include or (), exclude=exclude or (), prepare=wishes)
    plan = _plan(source, wishes, diagnosis, unsafe=unsafe, dtype=dtype, parts=parts or ())
    plan = _settle(plan, source, plan_file, undo=undo)
    size = parse_size(max_shard_size) if max_shard_size else 0
    plan, layout = _for_target(plan, source, diagnosis, target_of(output, target), by_name=by_name, shard_size=size)
    out = console()
    if not quiet():
        print_plan(plan, source, out, whole=verbose())
    if dry_run:
        return
    total = sum(entry.spec.nbytes for entry in source.entries.values())
    with progress("converting", total) as advance:
        receipt = api.convert(
            checkpoint, output, plan, target=target, layout=layout, force=force, link=link, advance=advance
        )
    if not quiet():
        print_receipt(receipt, out)


def _plan(
    source: Inventory,
    wishes: Wishes,
    diagnosis: Diagnosis | None,
    *,
    unsafe: bool,
    dtype: str,
    parts: Sequence[str],
) -> Plan:
    """What is asked for: the wishes, what the graph needs, a cast, and partitions at the end."""
    from ckptdoctor.conversion.casts import cast_all
    from ckptdoctor.conversion.partitions import partition
    from ckptdoctor.conversion.plan import carried_out, concat

    plans = [wishes.plan(source)]
    if diagnosis:
        plans.append(api.plan_for(diagnosis, unsafe=unsafe))
    if dtype:
        plans.append(cast_all(carried_out(concat(source.source, plans), source), dtype))
    if parts:
        plans.append(partition(carried_out(concat(source.source, plans), source), parts))
    return concat(source.source, plans)


def _settle(plan: Plan, source: Inventory, plan_file: Path | None, *, undo: bool) -> Plan:
    """The plan to run: the one made from the options, saved if asked; else the one in the file."""
    from ckptdoctor.conversion.plan import inverted
    from ckptdoctor.conversion.plan_file import read_plan, write_plan

    if undo:
        if plan.ops or not plan_file:
            raise UsageError(
                "--undo undoes a plan that was saved", hint="ckptdoctor convert OUT BACK --plan FILE --undo"
            )
        saved = read_plan(plan_file)
        return replace(inverted(saved, api.inspect(saved.checkpoint)), checkpoint=source.source)
    if plan.ops or not plan_file:
        if plan_file:
            write_plan(plan, plan_file)
        return plan
    return read_plan(plan_file)


def _for_target(
    plan: Plan, source: Inventory, diagnosis: Diagnosis | None, target: Format, *, by_name: bool, shard_size: int
) -> tuple[Plan, Layout]:
    """The plan, ended so that the target's own reader finds what it looks for, and what its writer must know."""
    from ckptdoctor.conversion.objects import for_objects
    from ckptdoctor.conversion.weights_only import weights_only
    from ckptdoctor.formats.target import Layout
    from ckptdoctor.formats.tensor_bundle.format import TENSOR_BUNDLE

    traced = diagnosis.alignment.graph if diagnosis else None
    places: dict[str, str] = {}
    if traced:
        places = {variable.key: variable.stored for variable in traced.variables}
        if traced.objects and not by_name and target is TENSOR_BUNDLE:
            plan = for_objects(plan, source, traced)
    elif target.keras_places and source.is_keras:
        # What Keras 3 wrote stays where it was.
        places = {key: key for key in source.entries if "/vars/" in f"/{key}" and not key.startswith("optimizer/")}
    if target.by_position:
        plan = weights_only(plan, source, list(places))
    config = traced.config if traced else source.config
    return plan, Layout(places, config, traced.keras_version if traced else "", shard_size)


def _kernel_size(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    match = _KERNEL.fullmatch(text)
    if not match or "0" in match.groups():
        raise UsageError(f"--kernel {text!r} is not HxW", hint="For example --kernel 7x7.")
    return int(match[1]), int(match[2])
