"""A story of five scenes with pictures by the storyteller, beside drawing its pictures alone.

    python benchmarks/story.py [--json] [--rounds N]

The storyteller writes each scene, reads it back, remembers, draws, checks the picture against text
and memory, and records the step in a library on the disk. The peer draws the same five scenes with
`render` and encodes them as PNG, in a plain loop: what is above 1 is the price of everything else.
Both on one core, in turns, warm. `first_words` is the wait of a reader whose storyteller is open.
`cold` is measured in fresh processes, from the start of Python to the first words and to the whole
story; `app` from the command `mmcourse app` to a page that can be used: served, with its scripts,
what it offers and who reads.

Seconds are counted twice, on the clock and by the `processor`: on a machine that does other work
the clock says how busy it was. Memory is counted twice, too: `own` is what the process alone holds
(pages that no file backs), `resident` adds what it has mapped of files, which others that run the
same libraries share. A build of PyTorch for CUDA maps hundreds of MB that a CPU never calls.

Backends: `world` (the world's own pen), and under `tiny` the course's own weights, as far as there
are any: each part beside the world's and beside one that is shown nothing (see `_tiny.py`), and the
same story in a fresh process, by `tiny` wherever it can. What has no weights is named on stderr.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from http.cookiejar import CookieJar
from importlib.resources import files
from pathlib import Path
from urllib.request import HTTPCookieProcessor, Request, build_opener

from _timing import in_turns, options, report
from _tiny import measured

from mmcourse.cards import environment
from mmcourse.story.backends.tiny import tiny_backend
from mmcourse.story.backends.world import world_backend
from mmcourse.story.framework import Storyteller, default_team, run
from mmcourse.story.library import Library
from mmcourse.story.pixels import to_png
from mmcourse.story.staging import scene_of
from mmcourse.story.story import Settings, Story
from mmcourse.storyworld import render

PAGE = Path(str(files("mmcourse.story.app").joinpath("page")))
PARTS = 200
"""So many examples each part of `tiny` is measured on."""
PROMPT = "a fox finds a lantern on the beach"
MEMORY = """
def memory():  # in bytes: of this process alone, and with what it has mapped of files
    import resource, sys
    try:
        with open("/proc/self/status") as file:
            lines = dict(line.split(":", 1) for line in file)
        return [1024 * int(lines[k].split()[0]) for k in ("RssAnon", "VmHWM")]
    except (OSError, KeyError):
        unit = 1 if sys.platform == "darwin" else 1024
        return [unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss] * 2
"""
FRESH = """
import time; began = time.perf_counter()
import json, sys, tempfile
from mmcourse.story.app.team import voiced_team
from mmcourse.story.framework import Storyteller
from mmcourse.story.library import Library
from mmcourse.story.story import Settings
scenes, size = int(sys.argv[1]), int(sys.argv[2])
seconds, busy = {}, {}
def note(what):
    seconds.setdefault(what, time.perf_counter() - began)
    busy.setdefault(what, time.process_time())
with tempfile.TemporaryDirectory() as folder:
    teller = Storyteller(Library(folder + "/a.db"), voiced_team(*sys.argv[4:]))
    for event in teller.tell(sys.argv[3], scenes, settings=Settings(size=size)):
        if event.kind == "text":
            note("first_words")
    note("whole_story")
    if sys.argv[4:]:  # once more, with everything loaded
        again = time.perf_counter()
        for event in teller.tell(sys.argv[3], scenes, seed=1, settings=Settings(size=size)):
            if event.kind == "text":
                seconds.setdefault("first_words_loaded", time.perf_counter() - again)
        seconds["whole_story_loaded"] = time.perf_counter() - again
print(json.dumps({"seconds": seconds, "processor": busy, "memory": memory(),
                  "torch": "torch" in sys.modules}))
"""
DESK = """
import json, sys
from mmcourse.story.app.queue import queue
from mmcourse.story.app.server import create
from mmcourse.story.app.team import voiced_team
from mmcourse.story.app.work import Desk, work
from mmcourse.story.library import Library
desk = Desk(Library(":memory:"), voiced_team)
create(desk), queue(desk)
def do(**job):
    return [*work(desk, "reader", job)][-1]
story = do(do="start", prompt=sys.argv[2])["story"]
for _ in range(int(sys.argv[1]) - 1):
    story = do(do="go on", story=story["id"], scene=story["current"])["story"]
seen = {"story": memory()}
assert "torch" not in sys.modules
do(do="find", story=story["id"], words="a fox")  # chapter 1's towers: PyTorch is loaded
seen["search"] = memory()
print(json.dumps(seen))
"""


def fresh(script: str, *arguments: object) -> dict:
    """What a script prints in a process of its own, on one core."""
    command = [sys.executable, "-c", MEMORY + script, *map(str, arguments)]
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=alone)
    return json.loads(done.stdout.splitlines()[-1])


def megabytes(memory: list[int]) -> dict[str, float]:
    """Bytes as they are reported."""
    return {"own": round(memory[0] / 1e6, 1), "resident": round(memory[1] / 1e6, 1)}


def cold(scenes: int, size: int, rounds: int) -> dict[str, object]:
    """Medians over fresh processes: seconds to the first words and to the end, memory in MB."""
    seen = [fresh(FRESH, scenes, size, PROMPT) for _ in range(rounds)]
    if any(x["torch"] for x in seen):
        raise RuntimeError("PyTorch was loaded, though nothing asked for it")
    return {
        "seconds": {
            w: statistics.median(x["seconds"][w] for x in seen) for w in seen[0]["seconds"]
        },
        "processor": {
            w: statistics.median(x["processor"][w] for x in seen) for w in seen[0]["processor"]
        },
        "memory": megabytes(max(x["memory"] for x in seen)),
    }


def by_tiny(scenes: int, size: int, n: int) -> dict[str, object]:
    """The course's own weights: each part, and a whole story by them wherever they can."""
    backend = tiny_backend()
    parts, skipped = measured(backend, world_backend(), n)
    for line in skipped:
        print(f"tiny: {line}", file=sys.stderr)
    if not {"writer", "illustrator"} & backend.offers().keys():
        print("tiny: no story was timed, for neither words nor pictures have weights",
              file=sys.stderr)  # fmt: skip
        return {"parts": parts, "skipped": skipped}
    seen = fresh(FRESH, scenes, size, PROMPT, "tiny")
    return {
        "parts": parts,
        "skipped": skipped,
        "by": sorted(backend.offers()),
        "seconds": seen["seconds"],
        "memory": megabytes(seen["memory"]),
    }


def usable(folder: str) -> tuple[float, float]:
    """Seconds from the command to a page that can be used, on the clock and of processor."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "mmcourse", "app", "--no-browser", "--port", "0",
               "--library", f"{folder}/app.db"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as app:
        try:
            assert app.stdout is not None
            found = re.search(r"http://[\d.:]+", app.stdout.readline())
            if found is None:
                raise RuntimeError("the app did not say where it is")
            browser = build_opener(HTTPCookieProcessor(CookieJar()))
            page = browser.open(found[0]).read().decode()
            scripts = set(re.findall(r'(?:src|href)="(/page/[^"]+)"', page))
            scripts |= {f"/page/{file.name}" for file in PAGE.glob("*.js")}
            for path in (*sorted(scripts), "/choices"):
                browser.open(found[0] + path).read()
            browser.open(Request(found[0] + "/do/hello", b"{}")).read()
            seconds = time.perf_counter() - began
            return seconds, processor(app.pid)
        finally:
            app.terminate()


def processor(pid: int) -> float:
    """Seconds of processor that a process has had; NaN where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def app(scenes: int, rounds: int) -> dict[str, object]:
    """The app: how soon its page is there, and its memory in MB, after a story and after a search
    by picture, for which PyTorch is loaded."""
    with tempfile.TemporaryDirectory() as folder:
        seen = [usable(folder) for _ in range(rounds)]
    memory = {when: megabytes(found) for when, found in fresh(DESK, scenes, PROMPT).items()}
    return {
        "seconds": statistics.median(x[0] for x in seen),
        "processor": statistics.median(x[1] for x in seen),
        "memory": memory,
    }


def first_words(teller: Storyteller, size: int, rounds: int) -> dict[str, float]:
    """Medians in an open storyteller: from the asking to the first words."""
    clock, busy = [], []
    for _ in range(rounds):
        began, worked = time.perf_counter(), time.process_time()
        events = teller.start("", PROMPT, settings=Settings(size=size))
        next(e for e in events if e.kind == "text")
        clock.append(time.perf_counter() - began)
        busy.append(time.process_time() - worked)
        events.close()
    return {"seconds": statistics.median(clock), "processor": statistics.median(busy)}


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
        soon = first_words(teller, size, asked.rounds)
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
            "first_words": soon,
            "cold": cold(scenes, size, min(asked.rounds, 3)),
            "app": app(scenes, min(asked.rounds, 3)),
            "tiny": by_tiny(scenes, size, 2 if asked.small else PARTS),
            "sizes": {"scenes": scenes, "side": size, "rounds": asked.rounds},
            "versions": environment(),
            "threads": 1,
        },
        asked.json,
    )


if __name__ == "__main__":
    main()
