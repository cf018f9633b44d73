"""How good is the storyteller? Stories from held-out prompts, several systems beside each other.

    python experiments/story.py [--small]

Writes story.json. Every story is told once by the whole loop on `world`; then each system draws the
same pages, and the judge, who drew and checked none of them, looks. Systems: the world's own pen
(the ceiling: its pictures are the truth, so its scores are also what the judge can read at best),
memory switched off, references shuffled, pictures shuffled, and two baselines that paste the
reference. Parts of `tiny` that have weights are measured as parts: CLIP and the towers that find,
the towers that describe and answer, and the eye that checks; as soon as `tiny` has an illustrator,
it is one of the systems.

One line per story is added to runs/story/parts.jsonl (MMCOURSE_RUNS names another folder), so a run
that was killed goes on where it was.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from _lines import Lines
from _result import write
from _story_parts import answers, captions, checked, drifting, finding, refused, styles
from _story_pictures import Eyes, Told, cast_of, doubles_by, measured, prompt, systems, tell
from _story_text import long_story, text_of, undone
from PIL.Image import Image

from mmcourse.cards import sources_hash
from mmcourse.story.backends.tiny import tiny_backend
from mmcourse.story.backends.world import world_backend
from mmcourse.story.measure.intervals import interval
from mmcourse.story.measure.pages import Tally
from mmcourse.storyworld.judge.network import Judge

SEEDS, PROMPTS, SCENES = (0, 1, 2), 60, 5
FEWER = 20
"""Long stories, drifting heroes and checkers are measured on the first of the prompts."""
SOURCES = ["mmcourse.story", "mmcourse.storyworld", "mmcourse.joint"]
Part = dict[str, list[float]]


class Work:
    """Who works and who looks, and what has been done already."""

    def __init__(self, small: bool, file: Path | None) -> None:
        self.tiny, self.world = tiny_backend(), world_backend()
        self.eyes = Eyes(Judge.from_pretrained("judge").eval(), self.world.ability("encoder"))
        self.seeds, self.prompts = (SEEDS[:1], 2) if small else (SEEDS, PROMPTS)
        self.scenes, self.fewer = (3, 1) if small else (SCENES, FEWER)
        self.longest = 10 if small else 40
        self.lines = Lines(file)

    def do(self, key: str, make: Callable[[], dict[str, Tally]]) -> None:
        """Measure one part unless it is there already, and keep it."""
        self.lines.do(key, lambda: {name: list(tally) for name, tally in make().items()})

    def story(self, number: int, seed: int) -> dict[str, Tally]:
        """All that is measured of one story."""
        told = tell(number, seed, self.scenes)
        drawn = self.drawn(told)
        own = {}
        if "tiny" in drawn:
            illustrator = self.tiny.ability("illustrator")
            own = {
                "tiny": doubles_by(told, illustrator),
                "tiny_memory_off": doubles_by(told, illustrator, remembers=False),
            }
        out = {
            f"{system}.{name}": tally
            for system, tallies in measured(told, drawn, self.eyes, own).items()
            for name, tally in tallies.items()
        }
        path = told.story.path()
        out["facts_a_scene"] = Tally(float(sum(len(n.facts) for n in path)), float(len(path)))
        out["fewest_facts"] = Tally(float(min(len(n.facts) for n in path)), 1.0)
        out |= text_of(told)
        out |= answers(told, self.world.ability("picture answerer"))
        out |= captions(told, self.tiny.ability("captioner"))
        return out | undone(told)

    def drawn(self, told: Told) -> dict[str, list[Image]]:
        """The pages of a story by each system."""
        more = {}  # of a backend that has an illustrator
        if "illustrator" in self.tiny.offers() and told.seed == self.seeds[0]:
            more["tiny"] = self.tiny.ability("illustrator")
        return systems(told, cast_of((told.number + 1) % self.prompts, told.seed), more)

    def checks(self, number: int, seed: int) -> dict[str, Tally]:
        """What the checkers find wrong: of the first seed in every system, of all in true pages."""
        told = tell(number, seed, self.scenes)
        encoders = {"towers": self.eyes.towers, "tiny": self.tiny.ability("encoder")}
        out = refused(told, self.tiny.ability("checker")) | styles(told, self.eyes)
        out |= finding(told, encoders)
        if seed == self.seeds[0]:
            by = {b.name: b.ability("checker") for b in (self.world, self.tiny)}
            out |= checked(told, self.drawn(told), by)
        return out

    def run(self) -> None:
        """Everything, one part after another."""
        for seed in self.seeds:
            for i in range(self.prompts):
                self.do(f"story {seed} {i}", lambda i=i, s=seed: self.story(i, s))
            for i in range(self.fewer):
                self.do(f"long {seed} {i}", lambda i=i, s=seed: long_story(i, s, self.longest))
                self.do(f"drift {seed} {i}", lambda i=i, s=seed: drifting(i, s, self.eyes))
                self.do(f"checks {seed} {i}", lambda i=i, s=seed: self.checks(i, s))


def groups(done: dict[str, Part], name: str, seeds: tuple[int, ...]) -> list[list[Tally]]:
    """Each prompt's parts of a measure, over these seeds."""
    found: dict[str, list[Tally]] = {}
    for key, part in done.items():
        _, seed, number = key.split()
        if name in part and int(seed) in seeds:
            found.setdefault(number, []).append(Tally(*part[name]))
    return list(found.values())


def summary(work: Work) -> dict[str, object]:
    """Every measure with its interval, and its value for each seed."""
    names = dict.fromkeys(name for part in work.lines.done.values() for name in part)
    nested: dict[str, object] = {}
    for name in names:
        found = interval(groups(work.lines.done, name, work.seeds))
        each = [groups(work.lines.done, name, (seed,)) for seed in work.seeds]
        values = [interval(g, draws=1)["value"] if g else None for g in each]
        place = nested
        *above, last = name.split(".")
        for part in above:
            place = place.setdefault(part, {})
        place[last] = {**found, "by_seed": values}
    return nested


def main() -> None:
    small = "--small" in sys.argv[1:]
    torch.set_num_threads(1)
    file = None
    if not small:
        folder = Path(os.environ.get("MMCOURSE_RUNS", "runs")) / "story"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"parts-{sources_hash(SOURCES)[:12]}.jsonl"
    work = Work(small, file)
    work.run()
    found = summary(work)
    systems_ = {k: found.pop(k) for k in list(found) if "value" not in found[k]}
    results = {
        "seeds": list(work.seeds),
        "n": work.prompts * len(work.seeds),
        "groups": work.prompts,
        "prompts": [prompt(i) for i in range(work.prompts)],
        "scenes": work.scenes,
        "size": 128,
        "reader": "judge",
        "missing": dict(work.tiny.lacks()),
        "systems": systems_,
        "parts": found,
    }
    if small:
        print(json.dumps({k: v["character_f1"]["value"] for k, v in systems_.items()}))
    else:
        write(__file__, SOURCES, results)


if __name__ == "__main__":
    main()
