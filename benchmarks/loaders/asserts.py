"""Whether a conversion defeats the owners' own errors: `python benchmarks/loaders/asserts.py [--seconds 150]`.

Of the pairs whose source lacks variables of the target, and whose loader raises, each source is converted for the target
by `ckptdoctor convert --graph`; the loader must raise with what was written, too, or every variable must be given a value.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from formats import ENDINGS
from pairs import Pair, all_pairs
from runs import home, loads_of, truths
from targets import interpreter, request_of

import ckptdoctor

LACKING = (
    "bias_dropped.reversed", "scale_dropped.reversed", "layer_dropped.reversed", "head_dropped.reversed", "norm_added",
    "norm_added_first", "layer_added", "layer_added_last", "variable_added",
)  # fmt: skip
"""The changes that leave the source without variables of the target, and are no more than that."""

ASSERTING = ("load_weights", "restore", "assert_consumed", "assert_existing", "by_name")
FORMATS = ("weights", "keras", "legacy", "legacy-weights", "objects")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--slice", default="1/1")
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--reveal", action="store_true")
    options = parser.parse_args()
    number, of = map(int, options.slice.split("/"))
    pairs = [pair for pair in all_pairs() if is_lacking(pair) and pair.in_slice(number, of)]
    known = truths(pairs, options.seconds)
    raising = [pair for pair in pairs if known.get(pair.id, {}).get("error")]
    counts: Counter[str] = Counter()
    records = {}
    for legacy in (False, True):
        chosen = [pair for pair in raising if (pair.route.flavour == "tf_keras") == legacy]
        if chosen:
            with interpreter(legacy=legacy) as python:
                for pair in chosen:
                    record = converted(pair, known[pair.id], python)
                    if record is None:
                        counts["nothing was written"] += 1
                    else:
                        records[pair.id] = (pair, record)
    defeated = []
    for id, answer in loads_of(records, options.seconds).items():
        outcome = outcome_of(answer)
        counts[outcome] += 1
        if outcome == DEFEATED and (options.reveal or not records[id][0].set_aside):
            kept = ", ".join(item["name"] for item in answer["variables"] if item["holds"] == "own")
            defeated.append(f"- `{id}`: {kept if len(kept) < SHOWN else kept[:SHOWN] + '…'}")
    print("\n## What is raised is raised after a conversion\n")
    print("The sources of pairs whose load raises because they lack variables of the target are converted for it by")
    print(
        "`ckptdoctor convert --graph`. Loaded in the same way, what was written must raise too, or give every variable a"
    )
    print(f"value. Written by `benchmarks/loaders/asserts.py`; {len(raising)} loads.\n")
    print("| loads | what the loader does with what was written |\n|---|---|")
    print("\n".join(f"| {count} | {outcome} |" for outcome, count in counts.most_common()))
    if defeated:
        print("\n" + "\n".join(["These variables keep their own values, and nothing says so:", "", *defeated]))


SHOWN = 200

DEFEATED = "**nothing is raised any more, and variables keep their own values**"


def is_lacking(pair: Pair) -> bool:
    route = pair.route
    return pair.id.rpartition("/")[2] in LACKING and route.loader in ASSERTING and route.format in FORMATS


def converted(pair: Pair, truth: dict[str, Any], python: str) -> Path | None:
    """The record of what the conversion wrote; None if it refused."""
    request = request_of(pair, python)
    directory = home() / "converted" / pair.id.replace("/", "_")
    directory.mkdir(parents=True, exist_ok=True)
    output = str(directory / ("model" + ENDINGS[pair.route.format]))
    try:
        ckptdoctor.convert(
            truth["path"],
            output,
            graph=f"{request.target}:{request.name}",
            args=dict(request.args),
            python=python,
            force=True,
            proof=False,
        )
    except ckptdoctor.CkptDoctorError:
        return None
    record = directory / "record.json"
    record.write_text(json.dumps({"path": output, "meant": {}}), "utf-8")
    return record


def outcome_of(answer: dict[str, Any]) -> str:
    """What the loader did with what was written."""
    if "skipped" in answer:
        return "not loaded: " + answer["skipped"]
    if answer["error"]:
        return "raises still"
    kept = any(item["holds"] == "own" for item in answer["variables"])
    return DEFEATED if kept else "every variable is given a value"


if __name__ == "__main__":
    main()
