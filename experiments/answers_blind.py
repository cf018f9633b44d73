"""What can be answered without looking: the commonest answer to the same question in training.

    python experiments/answers_blind.py [--small]

Writes answers_blind.json: of the held-out questions that chapter 6's models are asked, how many the
commonest training answer to the same words gets right, over all kinds and in each. Words that
training never had get the commonest answer of their kind.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict

from _result import write

from mmcourse.lora.models.measure import by_kind
from mmcourse.lora.models.tasks import KINDS, is_blank
from mmcourse.storyworld.language.asking import sample_question

N, LEARNED = 1000, 100_000
SOURCES = ("mmcourse.lora.models.tasks", "mmcourse.storyworld.language.asking")


def main(small: bool) -> None:
    """Count, ask, and write."""
    n, learned = (50, 200) if small else (N, LEARNED)
    by_words: dict[str, Counter[str]] = defaultdict(Counter)
    of_a_kind: dict[str, Counter[str]] = defaultdict(Counter)
    for i in range(learned):
        kind = KINDS[i % len(KINDS)]
        question = sample_question(kind, "train", i // len(KINDS)).question
        by_words[question.text][question.answer] += 1
        of_a_kind[kind][question.answer] += 1
    right: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    known = 0
    for i in [i for i in range(2 * n + 10 * len(KINDS)) if not is_blank(i)][:n]:
        kind = KINDS[i % len(KINDS)]
        question = sample_question(kind, "test", i // len(KINDS)).question
        known += question.text in by_words
        guess = by_words.get(question.text, of_a_kind[kind]).most_common(1)[0][0]
        right[kind].append(guess == question.answer)
    shares = {f"right_{k.replace('/', '_')}": v for k, v in by_kind(right).items()}
    found = {"n": n, "seed": 0, "learned": learned, "known": known / n, **shares}
    print(json.dumps(found)) if small else write(__file__, SOURCES, found)


if __name__ == "__main__":
    main("--small" in sys.argv[1:])
