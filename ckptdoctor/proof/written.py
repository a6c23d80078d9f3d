"""Proving what a conversion wrote, before it is moved in place: the owner's loader gives every variable what the plan made for it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ckptdoctor.conversion.fit import Fit, whole_layers
from ckptdoctor.conversion.plan import Derived
from ckptdoctor.diagnosis.code import Code
from ckptdoctor.diagnosis.left_out import told_apart
from ckptdoctor.errors import GraphError, MissingPackage, RestoreRefused
from ckptdoctor.formats.checkpoint import Checkpoint
from ckptdoctor.formats.format import Format
from ckptdoctor.graphs.request import GraphRequest
from ckptdoctor.proof.digests import Digests
from ckptdoctor.proof.loading import OWNERS, Loaded, load
from ckptdoctor.specs.command import operand, own_command
from ckptdoctor.specs.inventory import Family


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether what was written loads, variable by variable.

    Attributes:
        variables: how many variables of the graph were asked for.
        held: how many of them hold the stored values after the call.
        call: the owner's call that was made and raised nothing, as a person writes it; empty if there is none.
        unproved: why no loader was called; empty if one was.
        unfit: names of the variables that what was written has no fitting value for, with the rest of their layers.
        error: what the plain call raises because of them, whole; empty if it raises nothing.
        fresh: names of the variables that were given initial values.
    """

    variables: int
    held: int = 0
    call: str = ""
    unproved: str = ""
    unfit: tuple[str, ...] = ()
    error: str = ""
    fresh: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether the plain call loads it: proved, or as far as is known where it is not proved."""
        return not self.unfit

    @property
    def proved(self) -> bool:
        """Whether the owner's loader was called, and gave every variable its value."""
        return not self.unproved and not self.unfit and self.held == self.variables


def unproved(fit: Fit, reason: str) -> Proof:
    """What is known of an output that no loader was called for."""
    unfit = whole_layers(fit.reported, fit.asked)
    return Proof(len(fit.asked), unproved=reason, unfit=tuple(variable.name for variable in unfit))


def prove(
    staged: Mapping[Path, Path],
    destination: str,
    target: Format,
    request: GraphRequest,
    fit: Fit,
    checkpoint: Checkpoint,
    derived: Mapping[str, Derived],
) -> Proof:
    """Lets the owner's loader load what was written into the graph.

    Args:
        staged: the files as they are now → what they will be called.
        destination: the output as a command names it.
        target: its format.
        request: the graph.
        fit: what the plan makes for it.
        checkpoint, derived: the plan's source, and what it makes of it.

    Raises:
        RestoreRefused: it does not load, though everything is there, or a variable holds another value.
        FormatError: the source is damaged.
    """
    if target.family not in OWNERS:
        return unproved(fit, f"no loader of TensorFlow or Keras reads {target.name}")
    if len(fit.asked) > len({variable.key for variable in fit.asked}):
        return unproved(fit, "several of the graph's variables have one name")
    left_out = {
        variable.key
        for variable in whole_layers(fit.lacking, fit.graph.variables, one_for_all=target.family is Family.KERAS)
    }
    left_out |= {variable.key for variable in fit.graph.variables} - {variable.key for variable in fit.asked}
    with Digests(checkpoint, derived) as digests, _under_final_names(staged, destination) as path:
        meant = {item.key: (fit.keys[item.key], item.spec.dtype) for item in fit.asked if item.key in fit.keys}
        named = {variable: digests.place(*value) for variable, value in meant.items()}
        places = {variable: extents for variable, extents in named.items() if extents is not None}
        digests.begin(value for variable, value in meant.items() if variable not in places)
        try:
            loaded = load(request, path, target.family, name=destination, left_out=left_out, places=places)
        except MissingPackage as error:
            return unproved(fit, error.message)
        except GraphError as error:
            return unproved(fit, f"the graph could not be built with its values: {error.message}")
        if loaded.reason:
            return unproved(fit, loaded.reason)
        return _judged(loaded, fit, left_out, digests)


def _judged(loaded: Loaded, fit: Fit, left_out: Collection[str], digests: Digests) -> Proof:
    plain = loaded.calls[0]
    if plain.error and not fit.lacking and not loaded.code:
        raise _refused(f"what was written does not load: {plain.code} fails", plain.error)
    held, wrong = 0, []
    for variable, holds in loaded.held_by():
        if variable.key in fit.keys:
            key, dtype = fit.keys[variable.key], variable.spec.dtype
            difference = holds.differs(variable, partial(digests.of, key, dtype))
            held += not difference
            if difference and variable.key not in left_out:
                wrong.append(f"{variable.name} {difference}")
    # By name, Keras finds no layer that has another name in the file: no call is known, then, that leaves out the rest only.
    partly = bool(plain.error) and "by_name=True" in loaded.code
    if wrong and not partly:
        listed = "\n".join(wrong[:_LISTED] + [f"and {len(wrong) - _LISTED} more"] * (len(wrong) > _LISTED))
        raise _refused(
            f"what was written does not load as it is meant: {len(wrong)} of {len(fit.asked)} variables differ "
            f"after {loaded.code}",
            listed,
        )
    by_saver = plain.code.startswith(_SAVER)
    lacking = fit.lacking if plain.error or by_saver else fit.reported
    unfit = whole_layers(lacking, fit.asked, one_for_all="load_weights" in plain.code)
    if not unfit:
        return Proof(len(fit.keys), held, loaded.code if plain.error else plain.code)
    names = tuple(variable.name for variable in unfit)
    error = plain.error
    call = loaded.code
    if by_saver and call:
        call = _kept(fit, left_out) + call
    elif shapes := _other_shapes(loaded):
        # A variable outside of a graph, as the user's are, refuses another shape; the worker's took it.
        call, error = "", f"ValueError: Received incompatible tensor: {shapes[0]}"
    return Proof(len(fit.asked), held, "" if wrong else call, unfit=names, error=error)


def _kept(fit: Fit, left_out: Collection[str]) -> str:
    """The line that tells a Saver's variables from those that are left out."""
    variables = fit.graph.variables
    names = told_apart(
        [item.name for item in variables if item.key in left_out],
        [item.name for item in variables if item.key not in left_out],
    )
    conditions = ["not (v.op.name + '/').startswith($scopes)"] * bool(names.scopes)
    conditions += ["v.op.name not in $exact"] * bool(names.exact)
    line = f"kept = [v for v in tf.compat.v1.global_variables() if {' and '.join(conditions)}]\n"
    return Code.of(line, scopes=tuple(f"{scope}/" for scope in names.scopes), exact=names.exact).text


def _other_shapes(loaded: Loaded) -> list[str]:
    told = [(variable, holds.differs(variable, lambda: "")) for variable, holds in loaded.held_by() if holds.shape]
    return [f"{variable.name} {difference}" for variable, difference in told if "declared" in difference]


_SAVER = "tf.compat.v1.train.Saver("
_LISTED = 10


def _refused(message: str, details: str) -> RestoreRefused:
    look = own_command("verify", operand("OUTPUT"), "--graph", operand("GRAPH"))
    return RestoreRefused(
        message,
        hint=f"Nothing was written. To look at it all the same, write it with --no-proof, and: {look}",
        details=details,
    )


@contextmanager
def _under_final_names(staged: Mapping[Path, Path], destination: str) -> Iterator[str]:
    """A directory in which the files have the names that they will have, as loaders go by endings and prefixes.

    Gives the path to load there.
    """
    with tempfile.TemporaryDirectory(prefix="ckptdoctor-") as directory:
        parent = Path(destination).resolve().parent
        for written, final in staged.items():
            place = Path(directory) / os.path.relpath(final.resolve(), parent)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(written.resolve())
        yield str(Path(directory) / Path(destination).name)
