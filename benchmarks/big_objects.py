"""A 3 GB object-based checkpoint in four shards, converted: seconds and peak memory of each way, beside `cp`.

    python benchmarks/big_objects.py [DIRECTORY]

TensorFlow writes the checkpoint. The tests hold conversions to its values; this measures.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

VARIABLES, ROWS, COLUMNS = 30, 25_600, 1_024  # 100 MiB each
PROGRAM = f"""
import tensorflow as tf

class Net(tf.Module):
    def __init__(self):
        self.layers = [tf.Variable(tf.zeros([{ROWS}, {COLUMNS}]), name=f"layer_{{n}}") for n in range({VARIABLES})]

if __name__ != "__main__":
    net = Net()
"""
SAVE = f"""
import sys
import numpy as np
import tensorflow as tf
sys.path.insert(0, sys.argv[1])
from big_net import Net

net = Net()
rng = np.random.default_rng(0)
for variable in net.layers:
    variable.assign(rng.random(variable.shape, dtype=np.float32))
size = {VARIABLES} * {ROWS} * {COLUMNS} * 4
policy = tf.train.experimental.MaxShardSizePolicy(max_shard_size=size // 4 + 4096)
options = tf.train.CheckpointOptions(experimental_sharding_callback=policy)
tf.train.Checkpoint(net=net).write(sys.argv[1] + "/big", options=options)
"""


def measured(command: list[str]) -> tuple[float, int]:
    """Seconds, and the most memory of the process and its children in kB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{command} ended with {status}")
    return time.perf_counter() - start, usage.ru_maxrss


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        directory = Path(name)
        graph, big = directory / "big_net.py", directory / "big"
        graph.write_text(PROGRAM)
        quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        subprocess.run([sys.executable, "-c", SAVE, name], check=True, env=quiet, stderr=subprocess.DEVNULL)
        shards = sorted(directory.glob("big.data-*"))
        doctor = [sys.executable, "-m", "ckptdoctor"]
        print(f"{sum(shard.stat().st_size for shard in shards):,} bytes in {len(shards)} shards\n")
        print("| what | seconds | of cp | peak MB |\n|---|---|---|---|")
        copies = [directory / f"copy-{number}" for number in range(len(shards))]
        base, memory = 0.0, 0
        for shard, copy in zip(shards, copies, strict=True):
            seconds, most = measured(["cp", str(shard), str(copy)])
            base, memory = base + seconds, max(memory, most)
        for copy in copies:
            copy.unlink()
        print(f"| cp | {base:.2f} | 1.0 | {memory / 1024:.0f} |")
        ways = {
            "to safetensors": ["convert", big, directory / "a.safetensors"],
            "to safetensors in shards": ["convert", big, directory / "b.safetensors", "--max-shard-size", "800MB"],
            "by name": ["convert", big, directory / "c", "--graph", graph, "--by-name"],
            "by objects, for another program": ["convert", big, directory / "d", "--graph", graph],
            "to bfloat16": ["convert", big, directory / "e.safetensors", "--dtype", "bfloat16"],
            "verify": ["verify", big],
        }
        # The graph's trace, by TensorFlow in a process of its own, is cached before anything is measured.
        subprocess.run([*doctor, "diff", str(graph), str(big)], check=True, stdout=subprocess.DEVNULL)
        for what, command in ways.items():
            seconds, memory = measured([*doctor, *map(str, command)])
            print(f"| {what} | {seconds:.2f} | {seconds / base:.1f} | {memory / 1024:.0f} |", flush=True)
            for path in directory.glob("[a-e]*"):
                if path not in (*shards, graph) and not path.name.startswith("big"):
                    path.unlink()


if __name__ == "__main__":
    main()
