"""Code that restores a checkpoint as far as it fits, for the loader that the graph has; what does not fit keeps its values.

Sources: TensorFlow, tensorflow/python/training/saver.py, `Saver` (a list restores each variable under its own name, and an
empty one is an error); tf_slim, tf_slim/ops/variables.py, `get_variables_to_restore` (a scope is a regular expression
that is matched from the start of `name:0`), `assign_from_checkpoint_fn`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.code import Code
from ckptdoctor.diagnosis.diagnostic import Remedy
from ckptdoctor.diagnosis.keras_loading import load_what_fits
from ckptdoctor.diagnosis.left_out import Names, restorable, told_apart
from ckptdoctor.specs.command import literal_pattern
from ckptdoctor.specs.graph import GraphKind, Variable

_LISTED = 4
"""So many scopes are named; where more are left out because nothing is stored for them, the checkpoint is asked."""


def leave_out(case: Case, scope: str) -> tuple[Remedy, ...]:
    """Ways to restore all that fits and to train the rest anew, such as what is in this scope."""
    return _restore(case, f"to fine-tune: leave {scope} out and train it anew")


def restore_the_rest(case: Case, subject: str) -> tuple[Remedy, ...]:
    """Ways to restore the network and to initialise what only training has."""
    return _restore(case, f"restore the network and initialise {subject}", slim=False)


def _restore(case: Case, title: str, *, slim: bool = True) -> tuple[Remedy, ...]:
    pairs = restorable(case.alignment)
    if not pairs:
        return ()
    graph = case.alignment.graph
    if case.alignment.restored_by or graph.kind is GraphKind.OBJECTS:
        by_objects = _by_objects(case, title, pairs)
        return by_objects or load_what_fits(case, title, pairs)
    if graph.kind is GraphKind.KERAS_MODEL:
        return load_what_fits(case, title, pairs)
    if restores_by_name(case):
        return tuple(_by_name(case, title, case.checkpoint, pairs, slim=slim))
    convert = Remedy(f"{title}: first convert what fits", "display-only", case.convert_command())
    return convert, *_by_name(case, "then restore that", case.fitted, pairs, slim=slim)


def restores_by_name(case: Case) -> bool:
    """Whether a `Saver` finds in this checkpoint, under the graph's names, what corresponds."""
    inventory = case.alignment.inventory
    renamed = any(pair.variable.key != pair.entry.key for pair in restorable(case.alignment).values())
    return inventory.has_saver and inventory.objects is None and not renamed


def _by_name(case: Case, title: str, checkpoint: str, restored: Collection[str], *, slim: bool) -> Iterable[Remedy]:
    if slim:
        yield Remedy(f"{title}, with slim", "display-only", slim_code(case, checkpoint, restored))
        title = "the same with today's TensorFlow"
    yield Remedy(title, "display-only", saver_code(case, checkpoint, restored))


def saver_code(case: Case, checkpoint: str, restored: Collection[str], *, reshape: bool = False) -> Code:
    """A `Saver` of exactly these variables, by their keys; there is at least one."""
    chosen = _Choice(case.alignment.graph.variables, restored, case.alignment.inventory.variables)
    conditions = ["v.op.name in stored"] * chosen.asks
    conditions += ["not (v.op.name + '/').startswith($scopes)"] * bool(chosen.left.scopes)
    conditions += ["v.op.name not in $exact"] * bool(chosen.left.exact)
    kept = "[v for v in tf.compat.v1.global_variables()\n        if " + "\n        and ".join(conditions) + "]"
    lines = ["session.run(tf.compat.v1.global_variables_initializer())"]
    lines += ["stored = dict(tf.train.list_variables($checkpoint))"] * chosen.asks
    lines += [f"kept = {kept}"] * bool(conditions)
    arguments = ["kept"] * bool(conditions) + ["reshape=True"] * reshape
    lines.append(f"tf.compat.v1.train.Saver({', '.join(arguments)}).restore(session, $checkpoint)")
    return Code.of(
        "\n".join(lines),
        checkpoint=checkpoint,
        scopes=tuple(f"{scope}/" for scope in chosen.left.scopes),
        exact=chosen.left.exact,
    )


def slim_code(case: Case, checkpoint: str, restored: Collection[str], *, reshape: bool = False) -> Code:
    """slim's restore of exactly these variables, by their keys."""
    chosen = _Choice(case.alignment.graph.variables, restored, None)
    names = {item.name for item in case.alignment.graph.variables}
    # Behind a variable's own name stands `:0`; a scope may be called as one is.
    ends = {scope: "/" if scope not in names else "[/:]" for scope in chosen.left.scopes}
    patterns = [literal_pattern(scope) + end for scope, end in ends.items()]
    patterns += [f"{literal_pattern(name)}:" for name in chosen.left.exact]
    return Code.of(
        f"variables = slim.get_variables_to_restore({'exclude=$patterns' if patterns else ''})\n"
        f"init_fn = slim.assign_from_checkpoint_fn($checkpoint, variables{', reshape_variables=True' * reshape})",
        patterns=patterns,
        checkpoint=checkpoint,
    )


def map_code(
    case: Case,
    expression: str,
    stored_name: Callable[[str], str],
    wanted: Mapping[str, str],
    *,
    also: Mapping[str, str] | None = None,
    **literals: object,
) -> Code | None:
    """A `Saver` with a map of names; None where it would not restore exactly what is wanted.

    Args:
        case: the case.
        expression: the name in the checkpoint, of a variable `v`; source, with `$name` for literals.
        stored_name: what that gives for the name of a variable.
        wanted: key of a variable → key in the checkpoint.
        also: the same, of variables that have their own names there.
        literals: of the expression.
    """
    graph, stored = case.alignment.graph, case.alignment.inventory.variables
    if any(variable.key != variable.name for variable in graph.variables):
        return None
    wanted = {**(also or {}), **wanted}
    mapped: dict[str, str] = {}
    for variable in graph.variables:
        names = [stored_name(variable.name)] + [variable.name] * (also is not None)
        found = next((name for name in names if name in stored), None)
        if found is not None:
            mapped[variable.key] = found
    if any(mapped.get(key) != name for key, name in wanted.items()):
        return None
    surplus = [variable.name for variable in graph.variables if variable.key in mapped.keys() - wanted.keys()]
    left = told_apart(surplus, [variable.name for variable in graph.variables if variable.key in wanted])
    conditions = ["name in stored"]
    conditions += ["not (v.op.name + '/').startswith($scopes)"] * bool(left.scopes)
    conditions += ["v.op.name not in $exact"] * bool(left.exact)
    lines = [
        "session.run(tf.compat.v1.global_variables_initializer())",
        "stored = dict(tf.train.list_variables($checkpoint))",
        "names = {}",
        "for v in tf.compat.v1.global_variables():",
        f"    name = {expression}",
        *["    name = name if name in stored else v.op.name"] * (also is not None),
        f"    if {' and '.join(conditions)}:",
        "        names[name] = v",
        "tf.compat.v1.train.Saver(names).restore(session, $checkpoint)",
    ]
    return Code.of(
        "\n".join(lines),
        checkpoint=case.checkpoint,
        scopes=tuple(f"{scope}/" for scope in left.scopes),
        exact=left.exact,
        **literals,
    )


class _Choice:
    """How code can name what it leaves out: by scopes and names, and by whether anything is stored under a name."""

    def __init__(
        self, variables: Sequence[Variable], restored: Collection[str], stored: Collection[str] | None
    ) -> None:
        kept = [item.name for item in variables if item.key in restored]
        left = [item for item in variables if item.key not in restored]
        self.left: Names = told_apart([item.name for item in left], kept)
        self.asks = stored is not None and len(self.left) > _LISTED and all(v.key == v.name for v in variables)
        if self.asks:
            found = [item.name for item in left if item.key in (stored or ())]
            self.left = told_apart(found, kept)


def _by_objects(case: Case, title: str, pairs: Mapping[str, object]) -> tuple[Remedy, ...]:
    """`tf.train.Checkpoint.restore`, which raises on another shape and leaves alone what is absent."""
    found = [pair for pair in case.alignment.pairs if not pair.renamed]
    if not all(pair.variable.key in pairs for pair in found) or len(found) < len(pairs):
        return ()
    call = case.alignment.restored_by
    # Where the program has a tf.train.Checkpoint of its own, that one restores.
    call = call if call and not call.endswith("(...)") else "checkpoint"
    code = Code.of(
        call.replace("$", "$$") + ".restore($checkpoint).expect_partial()  # the rest stays as initialised",
        checkpoint=case.checkpoint,
    )
    return (Remedy(title, "display-only", code),)


def advise(case: Case, scope: str, repairs: tuple[Remedy, ...]) -> tuple[Remedy, ...]:
    """Repairing the configuration against leaving a scope out, in the order that the purpose asks for."""
    if case.purpose == "inference":
        random = Remedy(f"leaving {scope} out would leave it random, and its outputs mean nothing", "display-only")
        return (*repairs, random)
    if case.purpose == "finetune":
        return (*leave_out(case, scope), *repairs)
    return (*(replace(item, title=f"to infer: {item.title}") for item in repairs), *leave_out(case, scope))
