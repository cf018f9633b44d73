"""How good is the eye as a checker? True pages that it lets pass, false ones that it finds.

    python experiments/eye.py [--choose] [--small]

Writes eye.json. Pages of told stories, each story in one of the styles, are shown as the world
draws them, through the round trip of latents-128, in which chapter 5's transformer draws, and drawn
with other hills and other markings through the same; and false pages, with one thing wrong. All
are enlarged to the size of the app's pictures, and handed over as the loop hands them over. Beside
it stands the rule that it had at first: simply ask the eye. The judge is never asked.

With --choose it first chooses the eye's limits, on stories of the split "val" and of another seed,
and writes them to mmcourse/story/backends/tiny_eye_limits.py.

A line for each story is added to runs/eye/parts.jsonl, of the choice to runs/eye/chosen.jsonl
(MMCOURSE_RUNS names another folder), so a run that was killed goes on where it was.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from _eye_looks import FALSE_EACH, Part, Press, looked, measured, some_false, trials
from _eye_pages import ABOUT_ALL, ABOUT_SOMEBODY, Page, told
from _lines import Lines
from _result import write

from mmcourse.checkpoints import write_atomically
from mmcourse.story.backends import tiny_eye_limits
from mmcourse.story.backends.tiny_eye import EyeChecker
from mmcourse.story.backends.tiny_eye_limits import Limits
from mmcourse.story.backends.tiny_eye_page import Held, distance
from mmcourse.story.measure.intervals import interval
from mmcourse.story.measure.pages import Tally
from mmcourse.storyworld.world.scene import Scene

CHOOSING, CHOSEN, SCENES = 100, 16, 5
"""Seed and number of the stories of the split "val" on which the limits are chosen, and pages."""
MEASURED = (
    *(("val", CHOOSING, number) for number in range(CHOSEN, 60)),
    *(("test", seed, number) for number in range(20) for seed in (0, 1, 2)),
)
"""The stories that are measured, by split, seed and number."""
TRUE = ("latents", "another_hand")
RARE = 0.002
"""Share of the true pictures beside which chance did more."""
SOURCES = ["mmcourse.story.backends", "mmcourse.storyworld", "mmcourse.vqgan.features"]
RAW = Limits(chance=0.0)


def story(checker: EyeChecker, press: Press, of: tuple[str, int, int], scenes: int) -> Part:
    """All that is measured of one story: (split, seed, number)."""
    split, seed, number = of
    pages = told(number, seed, scenes, split)
    out: Part = {}
    for page in range(len(pages)):
        looks = looked(checker, press, pages, (page, seed))
        added(out, measured(checker, pages, (page, seed), looks))
    return out


def added(out: Part, more: Part) -> None:
    """Add hits and trials."""
    for name, (hits, of) in more.items():
        before = out.get(name, [0.0, 0.0])
        out[name] = [before[0] + hits, before[1] + of]


def choosing(checker: EyeChecker, press: Press, pages: Sequence[Page]) -> list[dict[str, object]]:
    """What the limits are chosen by: of each page of a story, its true pictures and false ones, in
    the features of the eye."""
    out: list[dict[str, object]] = []
    for number, page in enumerate(pages):
        looks = looked(checker, press, pages, (number, CHOOSING))
        for kind, other in some_false(pages, number, CHOOSING, FALSE_EACH):
            seen = {form: looks["true", form] for form in TRUE}
            seen["false"] = looks[kind, "another_hand"]
            out += record(checker, page.shows, seen, kind, other)
    return out


def record(
    checker: EyeChecker, scene: Scene, seen: dict, kind: str, other: Scene
) -> Iterator[dict[str, object]]:
    """One kind of mistake on one page: how the true pictures and the false one lie."""
    if kind in (*ABOUT_ALL, *ABOUT_SOMEBODY):
        found = trials(checker, scene, seen, kind, other)
        if found:
            yield {"kind": kind, **{k: [t.likelier, t.far, t.size] for k, t in found.items()}}
    elif kind == "mirrored":
        turned = checker.drawn(scene, True)
        one = Held(checker, scene, seen["false"])
        where = one.taken | one.taken.flip(1)
        a, o = one.asked[:, where], turned[:, where]
        far = {k: distance(x[:, where], a, o) for k, x in seen.items()}
        yield {"kind": kind, "size": float((o - a).norm()), **far}


def chosen(records: Sequence[dict]) -> dict[str, float | dict[str, float]]:
    """The limits. What chance may do is what it did to all but few true pictures (`RARE`), whatever
    change they were held against, and a tenth more; other values are drawn if they became half as
    much likelier as those that were really exchanged, and as many as it takes to find nearly all
    that can be found."""
    by_kind = {k: [r for r in records if r["kind"] == k] for k in (*ABOUT_SOMEBODY, *ABOUT_ALL)}
    gone = [max(over(*r[form][1:])) for some in by_kind.values() for r in some for form in TRUE] + [
        over([r[k]], [r["size"]])[0] for r in records if r["kind"] == "mirrored" for k in TRUE
    ]
    chance = float(np.ceil(1.1 * float(np.quantile(gone, 1 - RARE))))
    suspected, drawn = {}, {}
    for kind, some in by_kind.items():
        false = [r["false"] for r in some]
        suspected[kind] = round(float(np.quantile([x[0] for x, _, _ in false], 0.01)) / 2, 1)
        found = [[x > chance for x in over(far, size)] for _, far, size in false]
        caught = [np.mean([any(x[:k]) for x in found]) for k in range(1, 1 + max(map(len, found)))]
        drawn[kind] = next(k for k, share in enumerate(caught, 1) if share >= caught[-1] - 0.01)
    print(f"{len(gone)} true pictures, {sum(map(len, by_kind.values()))} false ones")
    return {"CHANCE": chance, "SUSPECTED": suspected, "DRAWN": drawn}


def over(far: Sequence[float], size: Sequence[float]) -> list[float]:
    """What pictures have gone beyond half of the way, in the features' own measure."""
    return [(f - 1) * s for f, s in zip(far, size, strict=True)]


def rewrite(limits: dict[str, float | dict[str, float]]) -> None:
    """Put the limits into their module."""
    file = Path(tiny_eye_limits.__file__)
    text = file.read_text("utf-8")
    for name, values in limits.items():
        if not isinstance(values, dict):
            text = re.sub(rf"^{name} = .*$", f"{name} = {values}", text, flags=re.MULTILINE)
            continue
        body = "".join(f'    "{k}": {x},\n' for k, x in values.items())
        text = re.sub(rf"{name} = \{{.*?\}}", f"{name} = {{\n{body}}}", text, flags=re.DOTALL)
    write_atomically({file: text.encode()})
    print(f"wrote {file}")


def choose(runs: Path) -> None:
    """Choose the limits, and write them down."""
    lines, checker, press = Lines(runs / "chosen.jsonl"), EyeChecker(limits=RAW), Press()
    for number in range(CHOSEN):
        pages = told(number, CHOOSING, SCENES, "val")
        lines.do(str(number), lambda pages=pages: choosing(checker, press, pages))
    rewrite(chosen([r for part in lines.done.values() for r in part]))


def main() -> None:
    """Choose, if asked, or measure."""
    small = "--small" in sys.argv
    runs = Path(os.environ.get("MMCOURSE_RUNS", "runs")) / "eye"
    if not small:
        runs.mkdir(parents=True, exist_ok=True)
    if "--choose" in sys.argv:
        choose(runs)
        return
    checker, press = EyeChecker(), Press()
    lines = Lines(None if small else runs / "parts.jsonl")
    for split, seed, number in MEASURED[:1] if small else MEASURED:
        of, scenes = (split, seed, number), 1 if small else SCENES
        lines.do(f"{split}.{seed}.{number}", lambda of=of, n=scenes: story(checker, press, of, n))
        if not small:
            summary(lines)


def summary(lines: Lines) -> None:
    """Write what is known so far: shares over all stories, with intervals over the prompts."""
    groups: dict[str, list[Part]] = {}
    for key, part in lines.done.items():
        split, _, number = key.split(".")
        groups.setdefault(f"{split}.{number}", []).append(part)
    parts = {}
    for name in sorted({name for part in lines.done.values() for name in part}):
        found = [[Tally(*p[name]) for p in group if name in p] for group in groups.values()]
        parts[name] = interval(found, draws=500)
    limits = {k: getattr(tiny_eye_limits, k) for k in ("CHANCE", "SUSPECTED", "DRAWN")}
    of = sorted({tuple(key.split(".")[:2]) for key in lines.done})
    measured_ = {
        "seeds": [int(seed) for _, seed in of],
        "splits": [split for split, _ in of],
        "stories": len(lines.done),
        "pages": parts["accepted_world"]["n"],
    }
    write(__file__, SOURCES, {**measured_, "limits": limits, "parts": parts})


if __name__ == "__main__":
    main()
