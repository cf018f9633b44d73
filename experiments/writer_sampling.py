"""What the writer gains if it draws less boldly, and what that costs.

    python experiments/writer_sampling.py [--small]

Writes writer_sampling.json. The same beginnings are told by five ways of drawing words, each page
once. `sound` is the share of stories without a fault, `openings` how many different beginnings of
three words the stories have. Each cell takes some 90 s of one core.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from unittest.mock import patch

from _result import write

from mmcourse.lora import writing
from mmcourse.lora.writer import Writer, beginning
from mmcourse.lora.writer_recipe import SOURCES, held_out
from mmcourse.lora.writing import faults, named, write_stories

N, SEED = 100, 0
BOLD = 1e-6
"""A share that cuts nothing off."""
WAYS = {
    "bold": (0.8, BOLD),
    "cooler": (0.5, BOLD),
    "cut": (0.8, 0.65),
    "shipped": (0.5, 0.65),
    "greedy": (0.8, 1.0),
}
"""By name: temperature, and of the likeliest word's probability the share that others need."""


def told(writer: Writer, n: int, temperature: float, least: float) -> dict[str, float]:
    """What n stories are like."""
    asked = [beginning(held_out(i)) for i in range(n)]
    pages = partial(writing.write_pages, temperature=temperature, least=least)
    with patch.object(writing, "write_pages", pages):
        stories = write_stories(writer, asked, seed=SEED, tries=1)
    sound = [
        not any(
            faults(story.pages[: k + 1], None if k else memory, named(memory))
            for k in range(len(story.pages))
        )
        for memory, story in zip(asked, stories, strict=True)
    ]
    openings = {" ".join(story.pages[0].split()[:3]) for story in stories}
    return {"sound": sum(sound) / n, "openings": len(openings)}


def main(small: bool) -> None:
    """Each way, and write."""
    writer, n = Writer.from_pretrained("writer"), 2 if small else N
    found = {}
    for name, (temperature, least) in WAYS.items():
        found[name] = {"temperature": temperature, "least": least}
        found[name] |= told(writer, n, temperature, least)
        print(name, found[name], flush=True)
    if small:
        print(json.dumps(found))
    else:
        write(__file__, (*SOURCES, "mmcourse.lora.writing"), {"n": n, "seed": SEED, "ways": found})


if __name__ == "__main__":
    main("--small" in sys.argv[1:])
