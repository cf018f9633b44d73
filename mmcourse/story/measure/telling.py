"""Whether what is told can be true: a story's text, read back scene by scene."""

from __future__ import annotations

from collections.abc import Sequence

from mmcourse.story.abilities import Extractor, ExtractRequest
from mmcourse.story.consistency import contradictions
from mmcourse.story.facts import Fact
from mmcourse.story.state import State, dated


def read_back(extractor: Extractor, texts: Sequence[str]) -> list[tuple[Fact, ...]]:
    """The facts that each scene's text tells, read in order by somebody who was told nothing else:
    what was read before is the state in which the next is read."""
    known: list[Fact] = []
    out = []
    for i, text in enumerate(texts, 1):
        state = State(tuple(known), tuple(range(1, i))) if known else None
        found = dated(extractor.extract(ExtractRequest(text, state)).facts, i)
        out.append(found)
        known += found
    return out


def contradicted(scenes: Sequence[Sequence[Fact]]) -> list[Fact]:
    """All facts of a story that cannot be true when they are told; nameless characters aside.

    What cannot be true is not believed, so that one mistake is counted once.
    """
    known: list[tuple[str, str, str]] = []
    out = []
    for facts in scenes:
        said = [f for f in facts if ":" not in f.subject and not f.subject.startswith("character ")]
        wrong = set(contradictions(known, [f.triple for f in said]))
        out += [said[i] for i in sorted(wrong)]
        known += [f.triple for i, f in enumerate(said) if i not in wrong]
    return out
