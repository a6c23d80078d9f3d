"""Whether ckptdoctor knows what the owners' loaders do: `python benchmarks/loaders/bench.py`.

--slice 3/10      a tenth of the pairs
--pair ID         one pair, in detail
--seconds 150     stop finding truths after so long; they are kept, and the next run goes on
--page FILE       write the report there instead of printing it
--reveal          show the disagreements of the pairs that are set aside, too
--sample          the few pairs that the tests run, none of them with tf_keras
--json            print what was said of each pair as a line of JSON
--cold 40         read the graphs of so many pairs with a fresh interpreter too, and compare
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from judge import Judged, judge
from pairs import Pair, all_pairs
from report import page
from runs import truths
from targets import graphs_of


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--slice", default="1/1")
    parser.add_argument("--pair", default="")
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--page", default="")
    parser.add_argument("--reveal", action="store_true")
    parser.add_argument("--sample", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--cold", type=int, default=0)
    options = parser.parse_args()
    number, of = map(int, options.slice.split("/"))
    pairs = [pair for pair in all_pairs() if pair.in_slice(number, of) and options.pair in ("", pair.id)]
    if options.sample:
        pairs = [pair for pair in pairs if pair.in_sample]
    judged, skipped = run(pairs, options.seconds)
    if options.json:
        for item in judged:
            print(json.dumps({"id": item.pair.id, "state": item.state, "differences": item.differences}))
        return
    if options.pair:
        print(json.dumps(truths(pairs, options.seconds).get(options.pair), indent=1))
        print("\n".join(f"{item.state}: {line}" for item in judged for line in item.differences or ["no difference"]))
        return
    text = page(judged, skipped, reveal=options.reveal)
    if options.page:
        Path(options.page).write_text(text, "utf-8")
    else:
        print(text)
    if options.cold:
        print(f"graphs that a fresh interpreter reads otherwise: {otherwise(pairs, options.cold)} of {options.cold}")


def run(pairs: list[Pair], seconds: float) -> tuple[list[Judged], Counter[str]]:
    """Judges the pairs whose truth is known in time; what could not be built or saved is counted."""
    known = truths(pairs, seconds)
    skipped = Counter(truth["skipped"] for truth in known.values() if "skipped" in truth)
    tried = [pair for pair in pairs if pair.id in known and "skipped" not in known[pair.id]]
    graphs = graphs_of(tried)
    return [judge(pair, known[pair.id], graphs[pair.id]) for pair in tried], skipped


def otherwise(pairs: list[Pair], count: int) -> int:
    """How many of the first graphs are read otherwise when nothing is imported beforehand."""
    step = max(1, len(pairs) // count)
    chosen = pairs[::step][:count]
    warm, cold = graphs_of(chosen), graphs_of(chosen, warm=False)
    return sum(str(warm[pair.id]) != str(cold[pair.id]) for pair in chosen)


if __name__ == "__main__":
    main()
