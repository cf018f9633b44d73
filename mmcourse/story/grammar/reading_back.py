"""Read the pen's own prose back into facts, and anybody's as far as one can."""

from __future__ import annotations

from functools import cache

from mmcourse.story.facts import Fact
from mmcourse.story.grammar.granted import every_line
from mmcourse.story.grammar.pen import MOVES
from mmcourse.story.grammar.telling import TONES, plain
from mmcourse.story.state import State
from mmcourse.storyworld.language.lexicon import read_prompt
from mmcourse.storyworld.language.noun_phrases import Entity
from mmcourse.storyworld.language.parse import Reader
from mmcourse.storyworld.language.phrases import TOKEN, chunk, tokens
from mmcourse.storyworld.language.plots.slots import Pattern, patterns, sentences
from mmcourse.storyworld.language.story_parse import StoryReader
from mmcourse.storyworld.world import vocabulary as v


@cache
def own_patterns() -> dict[str, list[Pattern]]:
    """Every sentence of every move, wish and tone, by its first word ("" where that is a slot)."""
    lines = [a for m in MOVES.values() for line in m.beat.lines for a in line.split(" | ")]
    lines += every_line() + [line for _, group in TONES.values() for line in group]
    found: dict[str, Pattern] = {}
    for line in lines:
        for pattern in patterns(line):
            found.setdefault(pattern.shape, pattern)
    table: dict[str, list[Pattern]] = {"": []}
    for shape, pattern in sorted(found.items(), key=lambda x: -len(x[0])):
        word = shape.split(" ", 1)[0]
        fixed = word.isalpha()
        table.setdefault(word if fixed else "", []).append(pattern)
    return table


class PenReader(StoryReader):
    """Reads one scene of a story, knowing who and what was there before.

    Args:
        state: what was true before the scene.
    """

    def __init__(self, state: State) -> None:
        super().__init__()
        present = state.present()
        self.recent = [*present, *(n for n in state.characters if n not in present)]
        self.recent = [n for n in self.recent if n in v.NAMES]
        kinds = {f.subject for f in state.facts if f.attribute == "kind"}
        self.things = list(
            dict.fromkeys(f.subject for f in state.facts[::-1] if f.subject in kinds)
        )
        self.sentences: list[tuple[str, list[Fact]]] = []

    def scene(self, text: str) -> tuple[list[Fact], list[str]]:
        """(facts in the order of telling, what was not understood)."""
        out: list[Fact] = []
        unread: list[str] = []
        for words, written in as_written(text):
            found = self._sentence(" ".join(words))
            if found is None:
                found, missed = self._other(words)
                unread += missed
            facts = [plain(*f) for f in sorted(found, key=_order)]
            self.sentences.append((written, facts))
            out += facts
            self._remember(words, found)
        return list(dict.fromkeys(out)), unread

    def _sentence(self, text: str) -> set[tuple[str, str, str]] | None:
        table = own_patterns()
        first, words = text.split(" ", 1)[0], frozenset(text.split(" "))
        for pattern in (*table.get(first, ()), *table[""]):
            match = pattern.match(words, text)
            if match:
                facts = self._facts(pattern, match.groups())
                if facts is not None:
                    return facts
        return super()._sentence(text)

    def _other(self, words: list[str]) -> tuple[set[tuple[str, str, str]], list[str]]:
        """A sentence that nobody here would tell: in everyday words, if it must be."""
        facts, unread = super()._other(words)
        if not unread:
            return facts, unread
        reading = read_prompt(" ".join(w for w in words if w != '"'))
        known = [Entity(name, "") for name in reversed(self.recent)]
        reader = Reader(chunk(tokens(reading.text)), known)
        reader.run()
        rename = {e.who: " ".join(filter(None, (e.known.get("colour"), e.what)))
                  for e in reader.entities if "kind" in e.known}  # fmt: skip
        read = {(rename.get(a, a), k, rename.get(b, b)) for a, k, b in reader.facts if k != "name"}
        missed = [r.word for r in reading.refused]
        return (read, missed) if len(missed) <= len(unread) else (facts, unread)


def as_written(text: str) -> list[tuple[list[str], str]]:
    """The sentences of a text: as tokens, and as they stand there."""
    said, places = tokens(text), [m.span() for m in TOKEN.finditer(text)]
    out, at = [], 0
    for words in sentences(said):
        here = places[at : at + len(words)]
        at += len(words)
        same = len(places) == len(said)  # a few letters become two in lower case
        out.append((words, text[here[0][0] : here[-1][1]] if same else " ".join(words)))
    return out


def _order(fact: tuple[str, str, str]) -> tuple[int, tuple[str, str, str]]:
    """What is lost is lost before somebody has it, and a wish is made before it comes true."""
    last = fact[1] in ("has", "got", "kept")
    return (int(last), fact)
