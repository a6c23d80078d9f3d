"""What a person asks a conversion for, in the order in which it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from ckptdoctor.conversion.convolutions import conv_to_dense, dense_to_conv
from ckptdoctor.conversion.depthwise import conv_to_depthwise, depthwise_to_conv
from ckptdoctor.conversion.fold_batchnorm import fold_batchnorm
from ckptdoctor.conversion.input_channels import change_input_channels
from ckptdoctor.conversion.kernels import convert_kernels
from ckptdoctor.conversion.partitions import join_all
from ckptdoctor.conversion.plan import Plan, carried_out, concat
from ckptdoctor.conversion.recurrent import cudnn_to_plain, plain_to_cudnn
from ckptdoctor.conversion.renames import Names
from ckptdoctor.conversion.training import drop_optimizer
from ckptdoctor.conversion.vocabulary import remap_vocabulary
from ckptdoctor.errors import UsageError
from ckptdoctor.specs.command import operand, own_command
from ckptdoctor.specs.inventory import Inventory
from ckptdoctor.specs.near_names import did_you_mean

Step = Callable[[Inventory], Plan]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is done to a checkpoint before it is compared with a graph, if it is.

    Attributes:
        names: averages, renames and a map.
        drop_optimizer: whether an optimizer's state is left out.
        whole: whether partitioned variables become whole.
        kernels, flatten: `FROM:TO`, and `KEY=CxHxW` each; see `convert_kernels`.
        cudnn_to_plain, plain_to_cudnn: recurrent layers.
        fold, fold_pairs, epsilon: batch normalisation; see `fold_batchnorm`.
        input_channels: of the first convolution; 0 as they are.
        vocabulary, new_rows: an old and a new file; see `remap_vocabulary`.
        depthwise_to_conv, conv_to_depthwise, conv_to_dense, dense_to_conv: kernels.
        kernel: the height and width that convolution kernels have.
        only: globs; the keys that the conversions of kernels and tables are for.
    """

    names: Names = field(default_factory=Names)
    drop_optimizer: bool = False
    whole: bool = False
    kernels: str = ""
    flatten: tuple[str, ...] = ()
    cudnn_to_plain: bool = False
    plain_to_cudnn: bool = False
    fold: bool = False
    fold_pairs: tuple[str, ...] = ()
    epsilon: float | None = None
    input_channels: int = 0
    vocabulary: tuple[Path, Path] | None = None
    new_rows: str = "zeros"
    depthwise_to_conv: bool = False
    conv_to_depthwise: bool = False
    conv_to_dense: bool = False
    dense_to_conv: bool = False
    kernel: tuple[int, int] | None = None
    only: tuple[str, ...] = ()

    @property
    def options(self) -> tuple[str, ...]:
        """The names as arguments of a command."""
        return self.names.options

    def plan(self, inventory: Inventory) -> Plan:
        """The operations.

        Raises:
            UsageError: wishes contradict each other, or one cannot be fulfilled; see each conversion.
        """
        self._check()
        self._require_keys(inventory)
        plans = []
        left = inventory
        for step in self._steps():
            plans.append(step(left))
            left = carried_out(plans[-1], left)
        return concat(inventory.source, plans)

    def _steps(self) -> list[Step]:
        old_new = self.vocabulary or (Path(), Path())
        listed: list[tuple[object, Step]] = [
            (self.names, self.names.plan),
            (self.drop_optimizer, drop_optimizer),
            (self.whole, join_all),
            (self.kernels, lambda left: convert_kernels(left, self.kernels, self.flatten, self.only)),
            (self.cudnn_to_plain, cudnn_to_plain),
            (self.plain_to_cudnn, plain_to_cudnn),
            (self.fold, lambda left: fold_batchnorm(left, self.fold_pairs, self.epsilon)),
            (self.input_channels, lambda left: change_input_channels(left, self.input_channels, self.only)),
            (self.vocabulary, lambda left: remap_vocabulary(left, *old_new, self.only, self.new_rows)),
            (self.depthwise_to_conv, lambda left: depthwise_to_conv(left, self.only)),
            (self.conv_to_depthwise, lambda left: conv_to_depthwise(left, self.only)),
            (self.conv_to_dense, lambda left: conv_to_dense(left, self.only, self.kernel)),
            (self.dense_to_conv, lambda left: dense_to_conv(left, self.only, self.kernel)),
        ]
        return [step for wish, step in listed if wish]

    def _require_keys(self, inventory: Inventory) -> None:
        for glob in self.only:
            if not any(fnmatchcase(key, glob) for key in inventory.entries):
                look = own_command("inspect", operand(inventory.source), "--table")
                near = did_you_mean(glob, inventory.variables) or f"See: {look}"
                raise UsageError(f"--only {glob!r} matches no key of {inventory.source}", hint=near)

    def _check(self) -> None:
        for one, other, names in (
            (self.conv_to_dense, self.dense_to_conv, "--conv-to-dense and --dense-to-conv"),
            (self.depthwise_to_conv, self.conv_to_depthwise, "--depthwise-to-conv and --conv-to-depthwise"),
            (self.cudnn_to_plain, self.plain_to_cudnn, "--cudnn-to-plain and --plain-to-cudnn"),
        ):
            if one and other:
                raise UsageError(f"{names} undo each other", hint="Choose one.")
        of_kernels = self.conv_to_dense or self.dense_to_conv
        of_keys = (
            of_kernels
            or self.depthwise_to_conv
            or self.conv_to_depthwise
            or self.kernels
            or self.input_channels
            or self.vocabulary
        )
        for given, wanted, name, owner in (
            (self.kernel, of_kernels, "--kernel", "--conv-to-dense or --dense-to-conv"),
            (self.only, of_keys, "--only", "--conv-to-dense or another conversion of kernels or tables"),
            (self.flatten, self.kernels, "--flatten", "--kernels"),
            (self.fold_pairs or self.epsilon, self.fold, "--fold and --epsilon", "--fold-batchnorm"),
        ):
            if given and not wanted:
                raise UsageError(f"{name} belongs to {owner}", hint="Add it.")
