"""How often `explain` names the true cause of real failures: `python benchmarks/diagnosis/cases.py [cases.jsonl]`.

Each line of the file has `error`, `cause` and `established`; confirmed cases count.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path

from ckptdoctor.diagnosis.explanation.explanation import explain

ROOT = Path(__file__).resolve().parent.parent.parent
SHARED = Path(os.environ.get("CKPTDOCTOR_SHARED", ROOT.parent / "shared"))


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else SHARED / "cases" / "cases.jsonl"
    for established in ("confirmed", "inferred"):
        cases = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        cases = [case for case in cases if (case["established"] == "confirmed") == (established == "confirmed")]
        ranks = Counter()
        for case in cases:
            names = [cause.cause for cause in explain(case["error"]).causes]
            rank = names.index(case["cause"]) if case["cause"] in names else -1
            ranks["first"] += rank == 0
            ranks["first three"] += 0 <= rank < 3
            if rank != 0:
                print(f"  {case['id']}: {case['cause']} at {rank}; said {names[:3]}")
        for name in ("first", "first three"):
            print(f"{established}: {name} {ranks[name]}/{len(cases)} = {ranks[name] / len(cases):.0%}")


if __name__ == "__main__":
    main()
