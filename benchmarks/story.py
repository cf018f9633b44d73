"""A story of five scenes with pictures by the storyteller, beside drawing its pictures alone.

    python benchmarks/story.py [--json] [--rounds N]

The storyteller writes each scene, reads it back, remembers, draws, checks the picture against text
and memory, and records the step in a library on the disk. The peer draws the same five scenes with
`render` and encodes them as PNG, in a plain loop: what is above 1 is the price of everything else.
Both on one core, in turns, warm. `cold` is measured in fresh processes, as a reader meets it: from
the start of Python to the first words, to the whole story, and the most memory that it took.

Backends: `world` (the world's own pen). Others are added as their weights come.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from _timing import in_turns, options, report

from mmcourse.cards import environment
from mmcourse.story.framework import Storyteller, default_team, run
from mmcourse.story.library import Library
from mmcourse.story.pixels import to_png
from mmcourse.story.staging import scene_of
from mmcourse.story.story import Settings, Story
from mmcourse.storyworld import render

PROMPT = "a fox finds a lantern on the beach"
FRESH = """
import time; began = time.perf_counter()
import json, resource, sys, tempfile
from mmcourse.story.framework import Storyteller, default_team
from mmcourse.story.library import Library
from mmcourse.story.story import Settings
scenes, size = int(sys.argv[1]), int(sys.argv[2])
first = None
with tempfile.TemporaryDirectory() as folder:
    teller = Storyteller(Library(folder + "/a.db"), default_team())
    for event in teller.tell(sys.argv[3], scenes, settings=Settings(size=size)):
        if event.kind == "text" and first is None:
            first = time.perf_counter() - began
whole = time.perf_counter() - began
try:  # the peak of this process alone: what getrusage says outlives the exec of a large parent
    lines = open("/proc/self/status").read().splitlines()
    most = 1024 * next(int(x.split()[1]) for x in lines if x.startswith("VmHWM"))
except (OSError, StopIteration):
    unit = 1 if sys.platform == "darwin" else 1024
    most = unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
seen = {"first": first, "whole": whole, "memory": most, "torch": "torch" in sys.modules}
print(json.dumps(seen))
"""


def cold(scenes: int, size: int, rounds: int) -> dict[str, float]:
    """Medians over fresh processes: seconds to the first words and to the end, memory in MB."""
    command = [sys.executable, "-c", FRESH, str(scenes), str(size), PROMPT]
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    seen = []
    for _ in range(rounds):
        answer = subprocess.run(command, capture_output=True, text=True, check=True, env=alone)
        seen.append(json.loads(answer.stdout))
    if any(x["torch"] for x in seen):
        raise RuntimeError("PyTorch was loaded, though nothing asked for it")
    return {
        "seconds to first words": statistics.median(x["first"] for x in seen),
        "seconds to whole story": statistics.median(x["whole"] for x in seen),
        "memory in MB": max(x["memory"] for x in seen) / 1e6,
    }


def main() -> None:
    """Measure and print."""
    asked = options("A story with pictures beside its pictures alone.", rounds=5)
    scenes, size = (2, 32) if asked.small else (5, 256)
    with tempfile.TemporaryDirectory() as folder:
        teller = Storyteller(Library(Path(folder) / "stories.db"), default_team())

        def ours() -> Story:
            return run(teller.tell(PROMPT, scenes, settings=Settings(size=size)))

        stagings = [node.picture.staging for node in ours().path() if node.picture]

        def peer() -> list[bytes]:
            drawn = [scene_of(staging) for staging in stagings]
            return [to_png(render(scene, size)) for scene in drawn if scene is not None]

        seconds = in_turns(ours, peer, asked.rounds)
        teller.library.close()
    report(
        {
            "quantity": f"seconds for a story of {scenes} scenes with pictures on one core",
            "ours": seconds[0],
            "peer": seconds[1],
            "peer_name": "drawing the same scenes and encoding them, nothing else",
            "ratio": seconds[0] / seconds[1],
            "better": "lower",
            "backend": "world",
            "cold": cold(scenes, size, min(asked.rounds, 3)),
            "sizes": {"scenes": scenes, "side": size, "rounds": asked.rounds},
            "versions": environment(),
            "threads": 1,
        },
        asked.json,
    )


if __name__ == "__main__":
    main()
