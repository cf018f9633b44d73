"""What bfloat16 saves on a CPU that has units for it, and what it costs in loss.

    python experiments/precision.py [--small] [--before FOLDER]

Writes precision.json. Two trainings, chapter 1's towers and a VQ-VAE of dense convolutions, in
float32 and in bfloat16, from the same weights over the same pictures. They are processes that take
turns, so that whatever else the machine does slows both alike, and what is counted is processor
time on one core, the median of all steps. Losses are of longer runs with smaller batches. With
FOLDER, a checkout of an older version takes part in float32, and its commit is told as `before`.
Beside them, attention by PyTorch's kernel and by two products.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import torch
from _result import write

from mmcourse.nn import attention
from mmcourse.training import cpu_flags, pick_precision

TURN, POINTS = 5, 25
TIMED = {"towers": 64, "dense": 32}
"""Pictures in a batch, as in the recipes."""
LEARNT = {"towers": 16, "dense": 4}


class Worker:
    """A training in a process of its own."""

    def __init__(self, package: Path, *arguments: object) -> None:
        script = Path(__file__).with_name("_precision.py")
        told = {"PYTHONPATH": str(package), "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
        self.process = subprocess.Popen(
            [sys.executable, str(script), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **told},
        )
        self.seconds: list[float] = []
        self.losses: list[float] = []

    def go(self, steps: int) -> None:
        """Take so many steps."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        self.seconds += answer["seconds"]
        self.losses += answer["losses"]

    def end(self) -> None:
        """Let go of the process."""
        self.process.communicate()


def side_by_side(
    what: str, seed: int, batch: int, steps: int, before: Path | None = None
) -> dict[str, Worker]:
    """The same training in each way, in turns."""
    here, rest = Path(__file__).parents[1], (seed, batch, steps)
    ways = {"float32": (here, "no"), "bfloat16": (here, "bf16")}
    if before is not None:
        ways = {"before": (before, "no"), **ways}
    workers = {name: Worker(package, what, p, *rest) for name, (package, p) in ways.items()}
    for start in range(0, steps, TURN):
        for worker in workers.values():
            worker.go(min(TURN, steps - start))
    for worker in workers.values():
        worker.end()
    return workers


def curve(losses: list[float]) -> list[float]:
    """Means over equal parts."""
    size = max(1, len(losses) // POINTS)
    return [sum(part := losses[i : i + size]) / len(part) for i in range(0, len(losses), size)]


def timed(what: str, steps: int, before: Path | None) -> dict[str, object]:
    """Seconds of processor time a step."""
    runs = side_by_side(what, 0, TIMED[what], steps, before)
    seconds = {name: median(worker.seconds[1:]) for name, worker in runs.items()}
    found: dict[str, object] = {
        "batch_size": TIMED[what],
        "n": steps - 1,
        "seconds": seconds,
        "ratio": seconds["float32"] / seconds["bfloat16"],
    }
    if before is not None:
        found["ratio_to_before"] = seconds["before"] / seconds["bfloat16"]
        found["same_float32"] = runs["before"].losses == runs["float32"].losses
    print(what, found, flush=True)
    return found


def learnt(what: str, seeds: tuple[int, ...], steps: int) -> dict[str, object]:
    """Losses over the steps, and their means over the last tenth for each seed."""
    runs = [side_by_side(what, seed, LEARNT[what], steps) for seed in seeds]
    last = max(1, steps // 10)
    ends = {name: [sum(run[name].losses[-last:]) / last for run in runs] for name in runs[0]}
    found: dict[str, object] = {
        "batch_size": LEARNT[what],
        "n": steps,
        "last_losses": ends,
        "difference": sum(ends["bfloat16"]) / sum(ends["float32"]) - 1,
        "curves": {name: curve(worker.losses) for name, worker in runs[0].items()},
    }
    print(what, {k: v for k, v in found.items() if k != "curves"}, flush=True)
    return found


def attended(tokens: int, width: int, rounds: int) -> dict[str, float]:
    """Milliseconds of attention of 4 heads, forward and backward, masked, about 4,000 tokens."""
    shape = (max(1, 4096 // tokens), 4, tokens, width)
    mask = (torch.arange(tokens) < tokens * 3 // 4)[None, None, None]
    out = {}
    limit = attention.LONGEST_BY_HAND
    for name, dtype, longest in (
        ("float32", torch.float32, 0),
        ("kernel", torch.bfloat16, 0),
        ("products", torch.bfloat16, tokens),
    ):
        attention.LONGEST_BY_HAND = longest
        q, k, v = (torch.randn(shape, dtype=dtype).requires_grad_() for _ in range(3))
        took = []
        for _ in range(rounds):
            began = time.process_time()
            attention.attend(q, k, v, mask).sum().backward()
            took.append(time.process_time() - began)
        out[name] = 1000 * median(took)
    attention.LONGEST_BY_HAND = limit
    return out


def commit(checkout: Path) -> str:
    """Which version a checkout is."""
    told = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    return subprocess.run(told, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    small = "--small" in sys.argv[1:]
    before = Path(sys.argv[sys.argv.index("--before") + 1]) if "--before" in sys.argv else None
    torch.set_num_threads(1)
    seeds, timings, steps, rounds = ((0,), 2, 2, 1) if small else ((0, 1), 15, 200, 15)
    lengths, widths = ((16,), (32,)) if small else ((16, 64, 128, 256, 512, 1024), (32, 64))
    if small:
        TIMED["dense"] = LEARNT["dense"] = 2
    both = ["dense"] if small else list(TIMED)
    found = {
        "seeds": list(seeds),
        "n": steps,
        "before": None if before is None else commit(before),
        "units": sorted(cpu_flags() & {"amx_bf16", "avx512_bf16"}),
        "picked": pick_precision("cpu"),
        "attention": {
            f"{tokens}x{width}": attended(tokens, width, rounds)
            for tokens in lengths
            for width in widths
        },
        "timed": {what: timed(what, timings, before) for what in both},
        "learnt": {what: learnt(what, seeds, steps) for what in both},
    }
    if not small:
        write(
            __file__,
            ["mmcourse.nn", "mmcourse.training", "mmcourse.joint.train", "mmcourse.vqvae.train"],
            found,
        )


if __name__ == "__main__":
    main()
