"""What a writer is told of the story so far, within a budget, and what had to be left out.

A context is a list of items, each with its kind, its cost in tokens and the reason why it is in or
out. So it can be looked at: what was remembered, what was dropped, why.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from mmcourse.story.state import State
from mmcourse.story.story import Node, Story

KINDS = ("style", "present", "place", "promise", "marked", "last turns", "retrieved", "earlier")
"""The kinds of items in the order of their right to stay."""
SCENES = ("marked", "last turns", "retrieved")
"""The kinds that tell a scene whole. No scene is told twice."""
TOLD, FULL = "told already", "no room"
BUDGET = 400
LAST = 2
"""How many scenes are remembered word for word."""
RETRIEVED = 2


@dataclass(frozen=True)
class Item:
    """One thing to be remembered.

    kind: one of `KINDS`. text: what the writer is told. tokens: what it costs. scene: where it
    comes from (0 for none). why: the reason why it is kept, or left out.
    """

    kind: str
    text: str
    tokens: int
    scene: int
    why: str


@dataclass(frozen=True)
class Context:
    """What was remembered, in the order of telling, and what was dropped."""

    budget: int
    kept: tuple[Item, ...] = ()
    dropped: tuple[Item, ...] = ()

    @property
    def text(self) -> str:
        """What the writer is told."""
        return "\n".join(item.text for item in self.kept)

    @property
    def tokens(self) -> int:
        """What it costs, at most `budget`."""
        return sum(item.tokens for item in self.kept)

    def lines(self) -> tuple[str, ...]:
        """One line an item, kept ones first: to be shown, and stored with the scene."""
        kept = (f"kept {i.kind} ({i.tokens}): {i.text} [{i.why}]" for i in self.kept)
        dropped = (f"dropped {i.kind} ({i.tokens}): {i.text} [{i.why}]" for i in self.dropped)
        return (*kept, *dropped)


def count_tokens(text: str) -> int:
    """Words and punctuation marks. A writer with a tokenizer of its own counts by that."""
    return len(re.findall(r"\w+|[^\w\s]", text))


def build(
    story: Story,
    id: int | None = None,
    prompt: str = "",
    budget: int = BUDGET,
    count: Callable[[str], int] = count_tokens,
) -> Context:
    """The context for what comes after a scene (the current one).

    Items are taken in the order of their right to stay, each if it still fits. The text of the last
    scenes is cut to its end where it is too long, everything else is kept whole or dropped.

    Raises:
        ValueError: a budget below 1.
    """
    if budget < 1:
        raise ValueError(f"a context has a budget of at least 1 token, got {budget}")
    items = list(_items(story, id, prompt, count))
    kept, dropped = pack(_pieces(items), budget)
    for i in [i for i in dropped if items[i].kind == "last turns"]:
        left = _left(items, kept, i, budget)
        if left >= 10:
            items[i] = _shortened(items[i], left, count)
            kept, dropped = pack(_pieces(items), budget)
    teller = {items[i].scene: items[i].kind for i in kept if items[i].kind in SCENES}
    out = []
    for i in sorted(dropped):
        item, why = items[i], f"no room: needs {items[i].tokens}, "
        why += f"{_left(items, kept, i, budget)} left"
        if dropped[i] == TOLD:
            why = f"{TOLD}, as {teller[item.scene]}"
        out.append(replace(item, why=why))
    return Context(budget, tuple(items[i] for i in kept), tuple(out))


def pack(pieces: Sequence[tuple[float, int, int]], budget: int) -> tuple[list[int], dict[int, str]]:
    """What of the past fits into a budget.

    Args:
        pieces: (worth, tokens, scene): how much it is worth, what it costs, and the scene that it
            tells again; scene 0 for what is no scene's. The worthiest are looked at first, of equal
            ones the earlier in the list. Each is kept whole if it still fits, and otherwise
            dropped; a smaller one behind it may fit.
        budget: tokens in all.

    Returns:
        The places in `pieces` of what is kept, in the order in which it was taken, and
        {place: why} of what is dropped: "told already" if a piece of the same scene was kept
        before it, whether it would fit or not, else "no room".
    """
    kept: list[int] = []
    dropped: dict[int, str] = {}
    told: set[int] = set()
    left = budget
    for i in sorted(range(len(pieces)), key=lambda i: -pieces[i][0]):
        _, tokens, scene = pieces[i]
        if scene and scene in told:
            dropped[i] = TOLD
        elif tokens > left:
            dropped[i] = FULL
        else:
            kept.append(i)
            left -= tokens
            told.add(scene)
    return kept, dropped


def _pieces(items: Sequence[Item]) -> list[tuple[float, int, int]]:
    """As `pack` takes them: the kind says how much an item is worth, and whether it tells a scene
    again."""
    return [
        (-KINDS.index(i.kind), i.tokens, i.scene if i.kind in (*SCENES, "earlier") else 0)
        for i in items
    ]


def _left(items: Sequence[Item], kept: Sequence[int], i: int, budget: int) -> int:
    """What was left of the budget when it was an item's turn; items stand in their order."""
    return budget - sum(items[j].tokens for j in kept if j < i)


def _shortened(item: Item, room: int, count: Callable[[str], int]) -> Item:
    """The end of a text, as many sentences as fit."""
    parts = re.split(r"(?<=[.!?\"”]) ", item.text)
    text = ""
    for i in range(len(parts)):
        text = "… " + " ".join(parts[i + 1 :])
        if count(text) <= room:
            break
    if text == "… ":
        return item
    return replace(item, text=text, tokens=count(text), why=f"{item.why}; its beginning was cut")


def _items(
    story: Story, id: int | None, prompt: str, count: Callable[[str], int]
) -> Iterator[Item]:
    path, state = story.path(id), story.state(id)

    def item(kind: str, text: str, scene: int, why: str) -> Item:
        return Item(kind, text, count(text), scene, why)

    voice = f", told in the {story.voice} voice" if story.voice else ""
    tone = f", the tone is {story.tone}" if story.tone else ""
    yield item("style", f"Drawn in {story.style}{voice}{tone}.", 0, "one style for the whole book")
    for name in state.present():
        yield item("present", _portrait(state, name), 0, "is there")
    yield item("place", _place(state), 0, "where we are")
    for p in state.promises():
        if p.open:
            yield item("promise", f"{p.who} promised: {p.what}.", p.made, "not kept yet")
    for f in state.goals():
        yield item("promise", f"{f.subject} {f.words}.", f.scene, "not reached yet")
    for node in path:
        if node.marked is not None:
            note = f" ({node.marked})" if node.marked else ""
            yield item("marked", node.text + note, node.id, "marked by the reader")
    for node in path[::-1][:LAST]:
        yield item("last turns", node.text, node.id, "just told")
    rest = path[:-LAST]
    for node, words in retrieve(rest, prompt)[:RETRIEVED]:
        yield item("retrieved", node.text, node.id, f"speaks of {', '.join(words)}")
    for name in state.characters:
        if name not in state.present():
            yield item("earlier", _portrait(state, name), 0, "is elsewhere")
    for node in rest[::-1]:
        first = re.split(r"(?<=[.!?]) ", node.text)[0]
        yield item("earlier", first, node.id, "how an earlier scene began")


def _portrait(state: State, name: str) -> str:
    looks = state.looks(name)
    what = " ".join(filter(None, (looks.get("colour"), looks.get("species")))) or "somebody"
    article = "an" if what[0] in "aeiou" else "a"
    parts = [f"{name} is {article} {what}"]
    if looks.get("accessory", "none") != "none":
        parts.append(f"wears a {looks['accessory']}")
    if state.mood(name):
        parts.append(f"is {state.mood(name)}")
    parts += [f"has the {thing}" for thing in state.holds(name)]
    parts += [f"{f.attribute} {f.value}" for f in state.relations() if f.subject == name]
    return ", ".join(parts) + "."


def _place(state: State) -> str:
    here = {k: x for k, x in state.setting().items() if x}
    exits = next((p.exits for p in state.places() if p.name == here.get("place")), ())
    ways = f" Ways lead to: {', '.join(exits)}." if exits else ""
    return f"Setting: {', '.join(here.values()) or 'nothing is known'}.{ways}"


def retrieve(nodes: Sequence[Node], query: str) -> list[tuple[Node, tuple[str, ...]]]:
    """Scenes that share words with a query, the rarer the words the better, with those words."""
    words = set(_words(query))
    texts = [set(_words(node.text)) for node in nodes]
    often = Counter(w for text in texts for w in text)
    found = []
    for node, text in zip(nodes, texts):
        shared = sorted(words & text, key=lambda w: (often[w], w))
        score = sum(math.log(1 + len(nodes) / often[w]) for w in shared)
        if shared:
            found.append((score, node, tuple(shared)))
    found.sort(key=lambda x: (-x[0], -x[1].id))
    return [(node, shared) for _, node, shared in found]


_COMMON = frozenset(
    word
    for line in (
        "a an the and or but of to in on at by with for from is are was were be it its he she they",
        "his her their them him you i we our my this that there then so as not no what who where",
        "when",
    )
    for word in line.split()
)


def _words(text: str) -> list[str]:
    found = re.findall(r"[^\W_]+", text.lower())
    return [w for w in found if w not in _COMMON]
