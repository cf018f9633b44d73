"""Find contradictions: within a text, between the pages of a story, and between text and scene."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

from mmcourse.storyworld.language.parse import Account, read
from mmcourse.storyworld.language.story_parse import read_story
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.facts import Fact, truths
from mmcourse.storyworld.world.scene import Scene

SINGLE = ("species", "colour", "accessory", "mood", "action", "position", "kind", "name", "place",
          "time", "weather", "style", "camera", "count")  # fmt: skip
"""Attributes of which each has one value at a time."""
LASTING = ("species", "colour", "kind")
"""Attributes that never change in a story."""
OPPOSITE = {"left of": "right of", "right of": "left of"}


@dataclass(frozen=True)
class Contradiction:
    """Two facts that cannot both be true; `page` counts from 1, 0 where there are no pages."""

    first: Fact
    second: Fact
    page: int = 0

    def __str__(self) -> str:
        where = f"page {self.page}: " if self.page else ""
        return f"{where}{' '.join(self.first)}, but {' '.join(self.second)}"


def within(facts: Iterable[Fact], page: int = 0) -> list[Contradiction]:
    """Pairs of facts of one text that exclude each other."""
    found: dict[tuple[str, str], Fact] = {}
    out = []
    stated = sorted(facts)
    for fact in stated:
        who, attribute, _ = fact
        if attribute in SINGLE:
            other = found.setdefault((who, attribute), fact)
            if other != fact:
                out.append(Contradiction(other, fact, page))
    known = set(stated)
    for a, relation, b in stated:
        if relation in OPPOSITE and a < b:
            clash = (b, relation, a)
            wrong = (a, OPPOSITE[relation], b)
            out += [Contradiction((a, relation, b), x, page) for x in (clash, wrong) if x in known]
        if relation == "no":
            out += [Contradiction((a, "no", b), x, page) for x in stated
                    if x[1] in ("species", "kind") and x[2] == b]  # fmt: skip
        if relation in ("hug", "give") and (a, "mood", "angry") in known:
            out.append(Contradiction((a, "mood", "angry"), (a, relation, b), page))
        if a == b and relation not in SINGLE:
            out.append(Contradiction((a, relation, b), (a, "is", b), page))
    return out + [Contradiction(place, side, page) for place, side in _misplaced(known)]


def _misplaced(facts: Collection[Fact]) -> Iterator[tuple[Fact, Fact]]:
    """Where characters stand, and beside whom they can't be said to stand there. (A thing on the
    right may lie beyond a character on the right.)"""
    things = {who for who, attribute, _ in facts if attribute == "kind"}
    places = {who: value for who, attribute, value in facts if attribute == "position"}
    for side in sorted(fact for fact in facts if fact[1] in OPPOSITE):
        if {side[0], side[2]} & things:
            continue
        left, right = (side[0], side[2]) if side[1] == "left of" else (side[2], side[0])
        if places.get(left) == v.POSITIONS[-1]:
            yield (left, "position", places[left]), side
        elif places.get(right) == v.POSITIONS[0]:
            yield (right, "position", places[right]), side
        elif left in places and places[left] == places.get(right):
            yield (left, "position", places[left]), side


def check_text(text: str) -> tuple[list[Contradiction], tuple[str, ...]]:
    """The contradictions within a caption, and the words that could not be read."""
    account = read(text)
    return within(account.facts), account.unread


def check_scene(text: str | Account, scene: Scene) -> tuple[list[Contradiction], tuple[str, ...]]:
    """The contradictions between a text and a scene, and the words that could not be read.

    A text need not say who of its characters is who of the scene's: of all ways to match them the
    one with the fewest contradictions counts. Names in a story are matched by name.
    """
    account = read(text) if isinstance(text, str) else text
    true = truths(scene)
    ids = sorted({f[0] for f in account.facts} | {f[2] for f in account.facts if f[1] in _LINKS})
    people = [who for who in ids if who != "scene" and not _thing(who, account)]
    things = [who for who in ids if _thing(who, account)]
    best: list[Contradiction] | None = None
    for who in _matches(people, [f"character:{c.position}" for c in scene.characters]):
        for what in _matches(things, [f"thing:{t.position}" for t in scene.things]):
            wrong = _wrong(account.facts, {**who, **what}, true)
            if best is None or len(wrong) < len(best):
                best = wrong
    return within(account.facts) + (best or []), account.unread


def check_page(account: Account, scene: Scene) -> list[Contradiction]:
    """The contradictions between a story's page and its scene.

    Characters go by name. Whoever is not in the scene may be spoken of, but not as being there:
    with a mood, an action, or something worn.
    """
    true = truths(scene)
    who = {c.name: f"character:{c.position}" for c in scene.characters}
    who |= {f"{t.colour} {t.kind}": f"thing:{t.position}" for t in scene.things}
    said = {
        fact
        for fact in account.facts
        if fact[0] == "scene" or fact[0] in who or fact[1] not in LASTING
    }
    return within(said) + _wrong(said, who, true)


_LINKS = ("left of", "right of", "next to", "in front of", "between", "give", "gives", "follow",
          "hug", "quarrel")  # fmt: skip
_SHOWN = (*SINGLE, *_LINKS, "no")


def _thing(who: str, account: Account) -> bool:
    return who.startswith("thing") or any(f[0] == who and f[1] == "kind" for f in account.facts)


def _matches(said: Sequence[str], there: Sequence[str]) -> list[dict[str, str]]:
    """Every way to take those that a text speaks of for those that a scene has."""
    padded = [*there, *(f"nobody {i}" for i in range(len(said) - len(there)))]
    return [dict(zip(said, order, strict=True)) for order in permutations(padded, len(said))]


def _wrong(
    facts: Iterable[Fact], who: dict[str, str], true: frozenset[Fact]
) -> list[Contradiction]:
    out = []
    sides: dict[str, set[str]] = {}
    for fact in sorted(facts):
        a, attribute, b = fact
        if attribute not in _SHOWN:
            continue
        if attribute == "no":
            false = any(k in ("species", "kind") and x == b for _, k, x in true)
            meant = fact
        elif attribute == "between":
            one, two = who.get(a, a), who.get(b, b)
            meant = (one, "next to", two)
            side = {k for k in OPPOSITE if (one, k, two) in true}
            false = meant not in true or bool(side & sides.get(a, set()))
            sides[a] = side | sides.get(a, set())
        else:
            meant = (who.get(a, a), attribute, who.get(b, b) if attribute in _LINKS else b)
            false = meant not in true
        if false:
            real = next(
                (t for t in sorted(true) if t[:2] == meant[:2]), (meant[0], "is not", "there")
            )
            out.append(Contradiction(fact, real))
    return out


def check_story(text: str) -> tuple[list[Contradiction], list[tuple[str, ...]]]:
    """The contradictions of a story, and by page the words that could not be read.

    Within a page everything must agree; across pages species and colours last, and nobody gives
    what another has.
    """
    accounts = read_story(text)
    out: list[Contradiction] = []
    lasting: dict[tuple[str, str], Fact] = {}
    owner: dict[str, Fact] = {}
    for number, account in enumerate(accounts, 1):
        out += within(account.facts, number)
        for fact in sorted(account.facts):
            if fact[1] in LASTING:
                first = lasting.setdefault(fact[:2], fact)
                if first != fact and first not in account.facts:
                    out.append(Contradiction(first, fact, number))
        gave = {(b, a) for a, k, b in account.facts if k == "give"}
        now = {f[2]: f for f in sorted(account.facts) if f[1] == "has"}
        for thing, fact in now.items():
            had = owner.get(thing)
            lost = had and (had[0], "lost", thing) in account.facts
            given = had and any(who == fact[0] and giver == had[0] for who, giver in gave)
            if had and had[0] != fact[0] and not lost and not given:
                out.append(Contradiction(had, fact, number))
            owner[thing] = fact
        for a, k, b in account.facts:
            if k == "lost" and b in owner and owner[b][0] == a and b not in now:
                del owner[b]
    return out, [account.unread for account in accounts]
