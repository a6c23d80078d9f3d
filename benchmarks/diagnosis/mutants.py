"""Real architectures with one known change: is it diagnosed, are the names mapped, is anything else reported?

    python benchmarks/diagnosis/mutants.py            the table, and weightbridge on the same pairs if it is installed

Prints Markdown: a row for each mutation with how often its rule explains most of the disagreement, what was said
instead, the findings that belong to no change, and the share of names mapped right and wrong.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from mutations import MUTATIONS, Mutated
from truths import TRUTHS

from ckptdoctor.alignment.alignment import align
from ckptdoctor.alignment.pairs import Alignment
from ckptdoctor.containers.sstable.writer import TableWriter
from ckptdoctor.containers.tensorflow_messages import BundleEntryProto, BundleHeaderProto
from ckptdoctor.diagnosis.diagnosis import Diagnosis, diagnose
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.graphs.reading import read_graph
from ckptdoctor.graphs.request import make_request
from ckptdoctor.specs.graph import GraphKind, GraphSpec, Variable
from ckptdoctor.specs.inventory import Entry

HERE = Path(__file__).resolve().parent
NETS = {
    "slim_nets.py": (
        "alexnet_v2", "vgg_16", "vgg_19", "overfeat_net", "inception_v1", "inception_v2", "inception_v3",
        "resnet_v1_50", "resnet_v1_101", "resnet_v2_50",
    ),
    "keras_nets.py": (
        "VGG16", "VGG19", "ResNet50", "ResNet101V2", "InceptionV3", "InceptionResNetV2", "Xception", "MobileNet",
        "MobileNetV2", "MobileNetV3Small", "DenseNet121", "EfficientNetB0", "NASNetMobile", "ConvNeXtTiny",
    ),
}  # fmt: skip


def networks() -> dict[str, tuple[Variable, ...]]:
    """Every architecture's variables, traced."""
    found = {}
    for file, names in NETS.items():
        for name in names:
            found[name] = read_graph(make_request(f"{HERE / file}:{name}")).variables
    return found


def write_index(entries: Iterable[Entry], directory: Path) -> str:
    """The checkpoint as an index without data: all that a comparison reads."""
    prefix = directory / "model.ckpt"
    rows, offset = {}, 0
    for entry in sorted(entries, key=lambda entry: entry.key.encode()):
        proto = BundleEntryProto(dtype=entry.spec.dtype.number, offset=offset, size=entry.spec.nbytes)
        proto.shape.SetInParent()
        for size in entry.spec.shape:
            proto.shape.dim.add(size=size)
        rows[entry.key.encode()] = proto.SerializeToString()
        offset += entry.spec.nbytes
    header = BundleHeaderProto(num_shards=1)
    header.version.producer = 1
    with Path(f"{prefix}.index").open("wb") as file:
        table = TableWriter(file)
        table.add(b"", header.SerializeToString())
        for key, row in rows.items():
            table.add(key, row)
        table.finish()
    return str(prefix)


def compare(mutated: Mutated) -> tuple[Alignment, Diagnosis]:
    with tempfile.TemporaryDirectory() as directory:
        # The data is left out because a comparison reads none: here that is no finding.
        inventory = replace(open_checkpoint(write_index(mutated.entries, Path(directory))).inventory, absent=())
    alignment = align(GraphSpec("graph.py", GraphKind.TENSORFLOW_1, mutated.variables), inventory)
    return alignment, diagnose(alignment, "graph.py")


def main_finding(diagnosis: Diagnosis) -> str:
    """The rule that explains most; of what only informs, only where nothing else is said."""
    weights: Counter[str] = Counter()
    for item in diagnosis.diagnostics:
        if item.rule.severity != "info":
            weights[item.rule.name] += len(item.covers)
    return max(weights, key=lambda name: weights[name], default="")


def mapping(alignment: Alignment, truth: dict[str, str]) -> tuple[int, int, int]:
    """Variables mapped right, mapped wrong, and not mapped though they have a counterpart."""
    made = {pair.variable.key: pair.entry.key for pair in alignment.pairs}
    right = sum(made.get(key) == value for key, value in truth.items())
    wrong = sum(value != truth.get(key) for key, value in made.items())
    return right, wrong, len(truth) - sum(key in made for key in truth)


def by_weightbridge(mutated: Mutated) -> tuple[int, int, int]:
    """The same for weightbridge: each stored array carries its number, so that the result tells where it came from."""
    import weightbridge

    keys = [entry.key for entry in mutated.entries]
    stored = {entry.key: np.broadcast_to(np.int16(i), entry.spec.shape) for i, entry in enumerate(mutated.entries)}
    wanted = {item.key: np.broadcast_to(np.int16(0), item.spec.shape) for item in mutated.variables}
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            adapted = weightbridge.adapt(stored, wanted, in_separator="/", out_separator="/")
    except Exception:  # it raises where it finds no complete mapping
        return 0, 0, len(mutated.truth)
    made = {key: keys[int(np.asarray(value).reshape(-1)[0])] for key, value in adapted.items()}
    right = sum(made.get(key) == value for key, value in mutated.truth.items())
    return right, sum(value != mutated.truth.get(key) for key, value in made.items()), 0


def siblings(nets: dict[str, tuple[Variable, ...]]) -> Iterator[tuple[str, Mutated]]:
    """One architecture of two libraries, both ways."""
    for (slim, keras), truth in TRUTHS.items():
        names = truth(nets[slim], nets[keras])
        back = {value: key for key, value in names.items()}
        for lhs, rhs, pairs in ((slim, keras, names), (keras, slim, back)):
            entries = tuple(Entry(item.key, item.spec) for item in nets[rhs])
            yield f"{lhs} from {rhs}", Mutated(nets[lhs], entries, pairs, "naming-dialect")


def main() -> None:
    nets = networks()
    try:
        import weightbridge  # noqa: F401
    except ImportError:
        bridge = False
    else:
        bridge = True
    print(f"{len(nets)} architectures, {sum(len(item) for item in nets.values()):,} variables\n")
    print(
        "| change | rule that explains most | networks | right | said instead | other findings | mapped right | wrong | open |"
        + (" weightbridge right | wrong | open |" if bridge else "")
    )
    print("|---|---|---|---|---|---|---|---|---|" + ("---|---|---|" if bridge else ""))
    total = right_total = spurious_total = 0
    seconds = 0.0
    for mutation in MUTATIONS:
        tried = right = spurious = 0
        instead: Counter[str] = Counter()
        names, theirs = [0, 0, 0], [0, 0, 0]
        expected = ""
        for variables in nets.values():
            mutated = mutation(variables)
            if mutated is None:
                continue
            tried += 1
            expected = mutated.rule
            started = time.perf_counter()
            alignment, diagnosis = compare(mutated)
            seconds += time.perf_counter() - started
            said = main_finding(diagnosis)
            loud = {item.rule.name for item in diagnosis.diagnostics if item.rule.severity != "info"}
            found = said == mutated.rule and mutated.also <= loud
            right += found
            if not found:
                instead[said if said != mutated.rule else f"no {min(mutated.also - loud)}"] += 1
            spurious += len(loud - {mutated.rule, *mutated.also})
            names = [a + b for a, b in zip(names, mapping(alignment, mutated.truth), strict=True)]
            renamed = any(key != value for key, value in mutated.truth.items())
            if bridge and renamed and len(variables) < 400:
                theirs = [a + b for a, b in zip(theirs, by_weightbridge(mutated), strict=True)]
        total, right_total, spurious_total = total + tried, right_total + right, spurious_total + spurious
        other = ", ".join(f"{name} {count}" for name, count in instead.items()) or "-"
        row = (
            f"| {mutation.__name__} | {expected or 'none'} | {tried} | {right} | {other} | {spurious} | "
            + " | ".join(map(str, names))
            + " |"
        )
        if bridge:
            row += " " + (" | ".join(map(str, theirs)) if any(theirs) else "- | - | -") + " |"
        print(row, flush=True)
    for name, mutated in siblings(nets):
        alignment, diagnosis = compare(mutated)
        said = main_finding(diagnosis)
        numbers = [*mapping(alignment, mutated.truth), *(by_weightbridge(mutated) if bridge else ())]
        right = int(said == mutated.rule)
        row = f"| {name} | {mutated.rule} | 1 | {right} | {'-' if right else said} | - | "
        print(row + " | ".join(map(str, numbers)) + " |")
    print(
        f"\nright: {right_total}/{total} = {right_total / total:.1%}; findings beside the right one: {spurious_total}; "
        f"{1000 * seconds / total:.0f} ms a pair"
    )


if __name__ == "__main__":
    main()
