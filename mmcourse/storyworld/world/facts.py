"""What is true in a scene, as triples that texts, questions and the judge can be scored by.

A fact is (who, attribute, value). In a scene `who` is "scene", "character:POSITION" or
"thing:POSITION". In a text, which may not say where anyone is, `who` is "scene", a name, or
"character 1", "thing 1", ... in the order of mention.
"""

from __future__ import annotations

from itertools import permutations

from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.scene import Scene

Fact = tuple[str, str, str]
SYMMETRIC = (*v.MUTUAL, "next to")
CHARACTER = ("species", "colour", "accessory", "mood", "action")
OPTIONAL = ("style", "camera")


def facts(scene: Scene) -> frozenset[Fact]:
    """Everything that a picture of the scene shows: attributes, setting and interaction."""
    out = {("scene", k, getattr(scene, k)) for k in ("place", "time", "weather", *OPTIONAL)}
    for c in scene.characters:
        out |= {(f"character:{c.position}", k, getattr(c, k)) for k in CHARACTER}
    for t in scene.things:
        who = f"thing:{t.position}"
        out |= {(who, "kind", t.kind), (who, "colour", t.colour)}
    return frozenset(out) | interaction_facts(scene)


def interaction_facts(scene: Scene) -> frozenset[Fact]:
    """Who does what to whom: (giver, "give", receiver), and (giver, "gives", thing)."""
    act = scene.interaction
    if act is None:
        return frozenset()
    a, b = f"character:{act.by}", f"character:{act.to}"
    out = {(a, act.kind, b)}
    if act.kind in SYMMETRIC:
        out.add((b, act.kind, a))
    given = given_thing(scene)
    if given is not None:
        out.add((a, "gives", f"thing:{given}"))
    return frozenset(out)


def given_thing(scene: Scene) -> str | None:
    """The position of the thing that changes hands, if one does."""
    act = scene.interaction
    return act.by if act is not None and act.thing is not None else None


def relations(scene: Scene) -> frozenset[Fact]:
    """Every true relation between two that the picture shows.

    "left of" and "right of" go by the order of `_order`. Characters are "next to" each other where
    nobody stands between; a thing is next to whoever is one step away. A thing on the ground is
    "in front of" a character that it partly hides: in the middle, or where three are crowded.
    """
    order = _order(scene)
    on_ground = {f"thing:{t.position}" for t in scene.things if t.kind not in FLOATING}
    people = [who for who in order if who.startswith("character")]
    out: set[Fact] = set()
    for a, b in permutations(order, 2):
        i, j = order[a], order[b]
        things = [who for who in (a, b) if who not in people]
        if len(things) == 2:
            continue
        if i != j:
            out.add((a, "left of" if i < j else "right of", b))
        if things:
            covers = any(order[who] == order[things[0]] for who in people)
            near = abs(i - j) == 1 and not covers
        else:
            near = not any(min(i, j) < order[who] < max(i, j) for who in people)
        if near:
            out.add((a, "next to", b))
        same = a.split(":")[1] == b.split(":")[1]
        if a in on_ground and b in people and same and (i == j or len(people) == 3):
            out.add((a, "in front of", b))
    return frozenset(out)


def _order(scene: Scene) -> dict[str, int]:
    """Everyone and everything loose from left (0) to right (4).

    A thing on the left or right lies beyond a character there.
    """
    order = {f"character:{c.position}": 1 + v.POSITIONS.index(c.position) for c in scene.characters}
    for t in scene.things:
        if t.position == given_thing(scene):  # that one is in somebody's hands
            continue
        at = 1 + v.POSITIONS.index(t.position)
        order[f"thing:{t.position}"] = at + ((at - 2) if f"character:{t.position}" in order else 0)
    return order


FLOATING = ("balloon", "kite")


def truths(scene: Scene) -> frozenset[Fact]:
    """All that a text may say of a scene: `facts`, `relations`, names and how many there are."""
    names = {(f"character:{c.position}", "name", c.name) for c in scene.characters}
    places = {(f"character:{c.position}", "position", c.position) for c in scene.characters}
    places |= {
        (f"thing:{t.position}", "position", t.position)
        for t in scene.things
        if t.position != given_thing(scene)
    }
    count = ("scene", "count", str(len(scene.characters)))
    return facts(scene) | relations(scene) | names | places | {count}
