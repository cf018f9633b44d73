"""What the storyteller's published models hold, what fits a T4, and the least that a page takes.

    python experiments/hub.py [--small]

Writes hub.json. Everything is worked out from the models' configs (no weights, no GPU): memory from
the shapes of their weights, the least time from what a T4's cores and wires can do at best.
"""

from __future__ import annotations

import math
import sys

from _result import write

from mmcourse.story.backends.hub_chat import ANSWER_TOKENS, READ_TOKENS, STORY_TOKENS
from mmcourse.story.backends.hub_loading import ENOUGH
from mmcourse.story.backends.hub_memory import FOUR, GIB, Shape, held
from mmcourse.story.backends.hub_names import FEW, KNOWN, STEPS
from mmcourse.story.backends.hub_sizes import (
    SIDE,
    T4_BANDWIDTH,
    T4_BYTES,
    T4_FLOPS,
    drawing_work,
    published,
    read_per_token,
)

TOKENS = {"writer": STORY_TOKENS, "answerer": READ_TOKENS}
"""The most that is written for a page: its text, and the JSON that it is read back as."""
TEAMS: dict[str, dict[str, bool]] = {
    "all_16": dict.fromkeys(KNOWN, False),
    "pictures_16": dict.fromkeys(("encoder", "illustrator"), False),
    "tells_16": dict.fromkeys(("encoder", "writer", "illustrator"), False),
    "mixed": {"answerer": True, "writer": False, "illustrator": False},
    "all_4": {w: w in ("captioner", "answerer", "writer") for w in KNOWN},
}
"""Who is asked, and who of them in four bits."""


def sizes(weights: list[Shape]) -> dict[str, float]:
    """Numbers, and GiB in the number formats."""
    return {
        "numbers": sum(math.prod(shape) for _, shape in weights),
        "gib_32": held(weights, 32) / GIB,
        "gib_16": held(weights) / GIB,
        "gib_4": held(weights, four=True) / GIB,
    }


def main() -> None:
    small = "--small" in sys.argv[1:]
    asked = ["encoder"] if small else list(KNOWN)
    weights = {which: published(which) for which in asked}
    whole = {
        which: [w for part in parts.values() for w in part] for which, parts in weights.items()
    }
    found: dict[str, object] = {which: sizes(all_) for which, all_ in whole.items()}
    if small:
        print(found)
        return
    pieces = {part: sizes(all_) for part, all_ in weights["illustrator"].items()}
    teams = {}
    for team, members in TEAMS.items():
        need = sum(held(whole[which], four=four) for which, four in members.items())
        teams[team] = {"gib": need / GIB, "left": (T4_BYTES - need) / GIB}
    fetched = {which: held(whole[which]) / 1e9 for which in ("writer", "answerer", "illustrator")}
    fetched["all"] = sum(fetched.values())
    work = drawing_work()
    least = {
        which: {
            "tokens": tokens,
            **{f"seconds_{bits}": tokens * read_per_token(whole[which], four) / T4_BANDWIDTH
               for bits, four in (("16", False), ("4", True))},
        }
        for which, tokens in TOKENS.items()
    }  # fmt: skip
    write(
        __file__,
        ["mmcourse.story.backends.hub_sizes", "mmcourse.story.backends.hub_memory"],
        {
            "seed": None,
            "n": len(asked),
            "bits": FOUR,
            "parts": found,
            "pieces": pieces,
            "teams": teams,
            "fetched": fetched,
            "t4": {"gib": T4_BYTES / GIB, "tflops": T4_FLOPS / 1e12,
                   "gb_a_second": T4_BANDWIDTH / 1e9},
            "enough": ENOUGH,
            "alone_16": found["answerer"]["gib_16"] * ENOUGH,  # type: ignore[index]
            "drawing": {
                "side": SIDE, "steps": STEPS, "few": min(steps for steps, _ in FEW.values()),
                "step": work.step / 1e12, "decoding": work.decoding / 1e12,
                "safety": work.safety / 1e12, "picture": work.picture(STEPS) / 1e12,
                "seconds": work.picture(STEPS) / T4_FLOPS,
            },
            "least": least,
            "question_tokens": ANSWER_TOKENS,
        },
    )  # fmt: skip


if __name__ == "__main__":
    main()
