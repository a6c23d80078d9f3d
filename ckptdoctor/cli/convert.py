"""`ckptdoctor convert`."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Literal

import typer

from ckptdoctor.api.graphs import DEFAULT_TIMEOUT
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
)
from ckptdoctor.cli.terminal import command, console, progress, quiet, verbose, working

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
    fresh_head: Annotated[
        bool,
        typer.Option("--fresh-head", help="Initial values, by the graph's initializers, for layers that cannot fit."),
    ] = False,
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
    proof: Annotated[
        bool, typer.Option("--proof/--no-proof", help="Let the graph's library load it before it is in place.")
    ] = True,
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
    from ckptdoctor.api.conversion import plan_conversion
    from ckptdoctor.reports.plan_text import print_plan, print_receipt
    from ckptdoctor.reports.proof_text import print_proof

    with working("comparing") if graph else nullcontext():
        conversion = plan_conversion(
            checkpoint,
            output,
            graph=graph or None,
            inputs=inputs or (),
            args=args or (),
            include=include or (),
            exclude=exclude or (),
            python=python,
            timeout=timeout,
            cache=cache,
            unsafe=unsafe,
            fresh_head=fresh_head,
            rename=rename or (),
            map=name_map,
            ema=averages,
            to=target,
            by_name=by_name,
            max_shard_size=max_shard_size,
            dtype=dtype,
            whole=whole,
            partition=parts or (),
            conv_to_dense=to_dense,
            dense_to_conv=to_conv,
            kernel=kernel,
            only=only or (),
            depthwise_to_conv=from_depthwise,
            conv_to_depthwise=to_depthwise,
            kernels=kernels,
            flatten=flatten or (),
            input_channels=input_channels,
            fold_batchnorm=fold,
            fold=fold_pairs or (),
            epsilon=epsilon,
            cudnn_to_plain=from_cudnn,
            plain_to_cudnn=to_cudnn,
            vocabulary=vocabulary,
            new_rows=new_rows,
            optimizer=optimizer,
            plan=plan_file,
            undo=undo,
            link=link,
            force=force,
            proof=proof,
        )
    out = console()
    if not quiet():
        print_plan(conversion.plan, conversion.source, out, whole=verbose())
    if dry_run:
        return
    total = sum(entry.spec.nbytes for entry in conversion.source.entries.values())
    with progress("converting", total) as advance:
        receipt = conversion.run(advance)
    if not quiet():
        print_receipt(receipt, out)
    if receipt.proof is not None and not (quiet() and receipt.proof.fits):
        print_proof(receipt.proof, receipt.prefix, out)
    raise typer.Exit(0 if receipt.fits else 1)
