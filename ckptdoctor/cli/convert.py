"""`ckptdoctor convert`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckptdoctor import api
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
    graph_request,
    parse_size,
)
from ckptdoctor.cli.terminal import console, progress, reporting_errors
from ckptdoctor.errors import UsageError
from ckptdoctor.trace.request import DEFAULT_TIMEOUT

if TYPE_CHECKING:
    from ckptdoctor.plan.plan import Plan
    from ckptdoctor.specs.graph import GraphSpec
    from ckptdoctor.specs.inventory import Inventory

_KERNEL = re.compile(r"(\d+)x(\d+)")


@reporting_errors
def convert(
    checkpoint: CheckpointArgument,
    output: Annotated[
        str,
        typer.Argument(
            metavar="OUTPUT", help="The prefix of a V2 checkpoint, or a .npz, .safetensors, .h5 or .weights.h5 file."
        ),
    ],
    graph: Annotated[str, typer.Option("--graph", metavar="GRAPH", help="Make it fit this graph.")] = "",
    to_dense: Annotated[
        bool, typer.Option("--conv-to-dense", help="Convolution kernels [kh,kw,in,out] to matrices [kh·kw·in,out].")
    ] = False,
    to_conv: Annotated[
        bool, typer.Option("--dense-to-conv", help="Matrices [kh·kw·in,out] to convolution kernels [kh,kw,in,out].")
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="GLOB", help="Convert the kernels of these keys only.")
    ] = None,
    kernel: Annotated[
        str, typer.Option("--kernel", metavar="HxW", help="The size of the convolution kernels, e.g. 7x7.")
    ] = "",
    rename: RenameOption = None,
    name_map: MapOption = None,
    averages: AveragesOption = False,
    dtype: Annotated[
        str, typer.Option("--dtype", metavar="TYPE", help="Cast every floating-point tensor: float16, bfloat16, …")
    ] = "",
    target: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FORMAT",
            help="tensor-bundle, keras-weights, keras-h5, keras-model, npz or safetensors; default: by OUTPUT's name.",
        ),
    ] = "",
    max_shard_size: Annotated[
        str, typer.Option("--max-shard-size", metavar="SIZE", help="Several files of at most this size, e.g. 5GB.")
    ] = "",
    by_name: Annotated[
        bool,
        typer.Option(
            "--by-name", help="For a Keras model or tf.Module: a bundle for tf.compat.v1.train.Saver, not by objects."
        ),
    ] = False,
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="Apply remedies that are guesses or lose bits, too.")
    ] = False,
    plan_file: Annotated[
        Path | None,
        typer.Option(
            "--plan", metavar="FILE", help="Run this plan (TOML or .json); with another option, save it there."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and write no checkpoint.")] = False,
    link: Annotated[
        bool, typer.Option("--link", help="Hard-link the data: possible where no byte of it changes.")
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
    """Write a checkpoint that fits, in any format that can be written. The source is never changed.

    Without any option a V1 checkpoint becomes a V2 bundle of the same variables.

    Examples:

        ckptdoctor convert vgg_16.ckpt vgg_fc.ckpt --graph vgg.py --input images:Nx224x224x3

        ckptdoctor convert vgg_16.ckpt vgg_fc.ckpt --conv-to-dense

        ckptdoctor convert vgg_fc.ckpt back.ckpt --dense-to-conv --kernel 7x7

        ckptdoctor convert a.ckpt b.ckpt --conv-to-dense --dry-run --plan plan.toml

        ckptdoctor convert model.keras model.safetensors

        ckptdoctor convert a.ckpt b.ckpt --rename 'weights$=kernel' --rename '^tower_0/='
    """
    from ckptdoctor.formats.target import Layout
    from ckptdoctor.formats.targets import BY_POSITION, KERAS_3, TENSOR_BUNDLE, target_of
    from ckptdoctor.plan.casts import cast_all
    from ckptdoctor.plan.convolutions import conv_to_dense, dense_to_conv
    from ckptdoctor.plan.objects import for_objects
    from ckptdoctor.plan.plan import carried_out, concat
    from ckptdoctor.plan.renames import Names
    from ckptdoctor.plan.weights_only import weights_only
    from ckptdoctor.reports.plan_text import print_plan, print_receipt

    inventory = api.inspect(checkpoint)
    size = _kernel_size(kernel)
    plans: list[Plan] = []
    places: dict[str, str] = {}
    traced: GraphSpec | None = None
    source = inventory
    names = Names(tuple(rename or ()), name_map, averages)
    if names:
        plans.append(names.plan(source))
        inventory = carried_out(plans[0], source)
    if graph:
        request = graph_request(graph, inputs, args, python, timeout, cache)
        diagnosis = api.diff(request, checkpoint, include=include or (), exclude=exclude or (), names=names)
        plans.append(api.plan_for(diagnosis, unsafe=unsafe))
        traced = diagnosis.alignment.graph
        places = {variable.key: variable.stored for variable in traced.variables}
    elif target_of(output, target) in KERAS_3 and inventory.is_keras:
        # What Keras 3 wrote stays where it was.
        places = {key: key for key in inventory.entries if "/vars/" in f"/{key}" and not key.startswith("optimizer/")}
    if to_dense and to_conv:
        raise UsageError("--conv-to-dense and --dense-to-conv undo each other", hint="Choose one.")
    if to_dense:
        plans.append(conv_to_dense(inventory, only or (), size))
    elif to_conv:
        plans.append(dense_to_conv(inventory, only or (), size))
    elif only or kernel:
        raise UsageError("--only and --kernel belong to --conv-to-dense or --dense-to-conv", hint="Add one of them.")
    if dtype:
        made = concat(source.source, plans)
        plans.append(cast_all(carried_out(made, source), dtype))
    plan = _settle(plans, source, plan_file)
    if traced and traced.objects and not by_name and target_of(output, target) == TENSOR_BUNDLE:
        plan = for_objects(plan, source, traced)
    if target_of(output, target) in BY_POSITION:
        plan = weights_only(plan, source, list(places))
    layout = Layout(
        places,
        traced.config if traced else inventory.config,
        traced.keras_version if traced else "",
        parse_size(max_shard_size) if max_shard_size else 0,
    )
    out = console()
    print_plan(plan, source, out)
    if dry_run:
        return
    total = sum(entry.spec.nbytes for entry in inventory.entries.values())
    with progress("converting", total) as advance:
        receipt = api.convert(
            checkpoint, output, plan, target=target, layout=layout, force=force, link=link, advance=advance
        )
    print_receipt(receipt, out)


def _settle(plans: list[Plan], inventory: Inventory, plan_file: Path | None) -> Plan:
    """The plan to run: the one made from the options, saved if asked; else the one in the file."""
    from ckptdoctor.plan.plan import Plan, concat
    from ckptdoctor.plan.plan_file import read_plan, write_plan

    if plans:
        plan = concat(inventory.source, plans)
        if plan_file:
            write_plan(plan, plan_file)
        return plan
    return read_plan(plan_file) if plan_file else Plan(inventory.source, ())


def _kernel_size(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    match = _KERNEL.fullmatch(text)
    if not match or "0" in match.groups():
        raise UsageError(f"--kernel {text!r} is not HxW", hint="For example --kernel 7x7.")
    return int(match[1]), int(match[2])
