"""What StoryWorld's texts are worth: answers without the picture, everyday words, reading back.

    python experiments/storyworld_words.py [--small]

Writes storyworld_words.json. Answerers that see no picture learn from 2,000 questions of each kind
and answer 2,000 others; the lexicon reads 500 everyday sentences that were written before it was,
and refuses 100 about what the world does not have; captions and stories are read back into facts.
"""

from __future__ import annotations

import sys
from pathlib import Path

from _result import write

from mmcourse.storyworld import describe, sample_scene
from mmcourse.storyworld.language.blind import measure_blind
from mmcourse.storyworld.language.lexicon import lexicon, read_prompt
from mmcourse.storyworld.language.parse import read
from mmcourse.storyworld.language.story_parse import read_story
from mmcourse.storyworld.language.tell import tell

DATA = Path(__file__).parent.parent / "tests" / "storyworld" / "data"
SPLITS = ("train", "val", "test", "compositional")


def blind(n: int) -> dict[str, dict[str, float | int]]:
    """The better of two answerers that see no picture, by kind of question."""
    found = measure_blind(n)
    return {kind.replace("/", "_"): figures for kind, figures in found.items()}


def everyday() -> dict[str, int]:
    """How many everyday sentences are read, and how many foreign things refused."""
    lines = (DATA / "everyday.txt").read_text(encoding="utf-8").splitlines()
    foreign = [x.split("\t") for x in (DATA / "refused.txt").read_text("utf-8").splitlines()]
    refused = [word in [r.word for r in read_prompt(text).refused] for word, text in foreign]
    return {
        "entries": len(lexicon()),
        "n": len(lines),
        "read": sum(read_prompt(line).ok for line in lines),
        "foreign": len(foreign),
        "refused": sum(refused),
    }


def round_trip(captions: int, stories: int) -> dict[str, int]:
    """How many captions and pages of stories are read back as something else than was written."""
    wrong, pages, lengths = 0, 0, []
    for i in range(captions):
        scene = sample_scene(SPLITS[i % 4], i)
        told = describe(scene, i, complete=i % 3 > 0, names=i % 5 == 0)
        account = read(told.text)
        wrong += account.facts != told.said or bool(account.unread)
    for i in range(stories):
        story = tell(i)
        lengths.append(len(story.pages))
        for page, account in zip(story.pages, read_story(story.text), strict=True):
            pages += 1
            wrong += account.facts != page.facts or bool(account.unread)
    return {
        "captions": captions,
        "stories": stories,
        "pages": pages,
        "shortest": min(lengths),
        "longest": max(lengths),
        "failures": wrong,
    }


def main() -> None:
    small = "--small" in sys.argv[1:]
    results = {
        "seed": 0,
        "blind": blind(50 if small else 2000),
        "lexicon": everyday(),
        "round_trip": round_trip(*((20, 5) if small else (10_000, 2_000))),
    }
    kinds = results["blind"].items()
    gains = {kind: x["value"] - x["chance"] for kind, x in kinds}
    results["largest_gain"] = max(gains.values())
    print({k: round(v, 3) for k, v in gains.items()}, results["lexicon"], results["round_trip"])
    if not small:
        write(__file__, ["mmcourse.storyworld"], results)


if __name__ == "__main__":
    main()
