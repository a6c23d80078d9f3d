"""From what a person asks a conversion for to a checked plan for a target format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ckptdoctor.conversion.casts import cast_all
from ckptdoctor.conversion.from_diagnosis import plan_from_diagnosis
from ckptdoctor.conversion.keras_layers import for_layers
from ckptdoctor.conversion.objects import for_objects, pruned
from ckptdoctor.conversion.optimizer_state import state_in_keras_file
from ckptdoctor.conversion.partitions import partition
from ckptdoctor.conversion.plan import Plan, carried_out, concat, derive, inverted
from ckptdoctor.conversion.plan_file import read_plan, write_plan
from ckptdoctor.conversion.weights_only import weights_only
from ckptdoctor.conversion.wishes import Wishes
from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.errors import UsageError
from ckptdoctor.formats.format import Format
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.formats.target import TargetOptions
from ckptdoctor.formats.tensor_bundle.format import TENSOR_BUNDLE
from ckptdoctor.specs.graph import GraphSpec
from ckptdoctor.specs.inventory import Inventory, StoredGroup


@dataclass(frozen=True, slots=True)
class ConversionRequest:
    """What a person asks for.

    Attributes:
        target: the format to write; see `ckptdoctor.formats.registry`.
        wishes: what is done to the checkpoint before it is compared with a graph, if it is.
        unsafe: whether remedies that are guesses or lose bits are applied, too.
        dtype: what floating-point tensors are cast to; empty as they are.
        partitions: `GLOB=PARTS[@AXIS]` each; see `ckptdoctor.conversion.partitions.partition`.
        plan_file: a plan to run; with other wishes, where theirs is saved.
        undo: whether the plan in the file is undone.
        by_name: whether a bundle is for `tf.compat.v1.train.Saver` where the graph's objects would make another one.
        max_shard_size: the bytes that one file may hold; 0 for all in one.
        fresh_head: whether what would have no fitting value is given an initial one.
    """

    target: Format = TENSOR_BUNDLE
    wishes: Wishes = field(default_factory=Wishes)
    unsafe: bool = False
    dtype: str = ""
    partitions: tuple[str, ...] = ()
    plan_file: Path | None = None
    undo: bool = False
    by_name: bool = False
    max_shard_size: int = 0
    fresh_head: bool = False

    def settle(
        self, source: Inventory, diagnosis: Diagnosis | None, complete: Callable[[Plan], Plan] = lambda plan: plan
    ) -> SettledPlan:
        """The plan for the target.

        Args:
            source: the checkpoint.
            diagnosis: how it differs from the graph that it is to fit, with the wishes carried out; None without a graph.
            complete: adds to the plan, before it is ended for the target, what no plan file holds.

        Raises:
            UsageError: wishes contradict each other, one cannot be fulfilled, or a plan file cannot be read or undone.
        """
        plan = complete(self._chosen(self._asked_for(source, diagnosis), source))
        graph = diagnosis.alignment.graph if diagnosis else None
        return for_target(plan, source, graph, self.target, by_name=self.by_name, max_shard_size=self.max_shard_size)

    def _asked_for(self, source: Inventory, diagnosis: Diagnosis | None) -> Plan:
        """The wishes, what the graph needs, a cast, and partitions at the end."""
        plans = [self.wishes.plan(source)]
        if diagnosis:
            plans.append(plan_from_diagnosis(diagnosis, unsafe=self.unsafe, fresh_head=self.fresh_head))
        if self.dtype:
            plans.append(cast_all(carried_out(concat(source.source, plans), source), self.dtype))
        if self.partitions:
            plans.append(partition(carried_out(concat(source.source, plans), source), self.partitions))
        return concat(source.source, plans)

    def _chosen(self, plan: Plan, source: Inventory) -> Plan:
        """The plan to run: the one that was asked for, saved if there is a file for it; else the one in the file."""
        if self.undo:
            if plan.ops or not self.plan_file:
                raise UsageError(
                    "--undo undoes a plan that was saved", hint="ckptdoctor convert OUT BACK --plan FILE --undo"
                )
            saved = read_plan(self.plan_file)
            return replace(inverted(saved, open_checkpoint(saved.checkpoint).inventory), checkpoint=source.source)
        if plan.ops or not self.plan_file:
            if self.plan_file:
                write_plan(plan, self.plan_file)
            return plan
        return read_plan(self.plan_file)


@dataclass(frozen=True, slots=True)
class SettledPlan:
    """A plan for a target format, and what that format's writer must know beside the tensors."""

    plan: Plan
    target: Format
    options: TargetOptions


def for_target(
    plan: Plan,
    source: Inventory,
    graph: GraphSpec | None,
    target: Format,
    *,
    by_name: bool = False,
    max_shard_size: int = 0,
) -> SettledPlan:
    """A plan, ended so that the target's own reader finds what it looks for.

    Raises:
        UsageError: nothing would be left that the target can hold, or the graph has none of it.
    """
    places: dict[str, str] = {}
    if graph:
        places = {variable.key: variable.stored for variable in graph.variables}
    if target is TENSOR_BUNDLE:
        by_objects = graph is not None and graph.objects is not None and not by_name
        plan = for_objects(plan, source, graph) if graph and by_objects else pruned(plan, source)
    elif not graph and target.keras_places and source.is_keras:
        # What Keras 3 wrote stays where it was.
        places = {key: key for key in source.entries if "/vars/" in f"/{key}" and not key.startswith("optimizer/")}
    layers: tuple[StoredGroup, ...] = ()
    if target.by_layers:
        plan, layers = for_layers(plan, source, graph, target.name)
        places = {key: "" for layer in layers for key in layer.keys}
    elif target.by_position:
        state, no_state = state_in_keras_file(derive(plan, source), source, graph)
        plan = weights_only(plan, source, list(places | state) if places else [], no_state)
        places |= state
        layers = () if graph else source.groups
    config = graph.config if graph else source.config
    # A file that records its layers and no version is of Keras 1, which Keras 2 rearranges.
    version = graph.keras_version if graph else source.keras_version or "1"
    return SettledPlan(plan, target, TargetOptions(places, config, version, max_shard_size, layers))
