"""What is true in a scene, as triples that texts, questions and the judge can be scored by.

A fact is (who, attribute, value). In a scene `who` is "scene", "character:POSITION" or
"thing:POSITION". In a text, which may not say where anyone is, `who` is "scene", a name, or
"character 1", "thing 1", ... in the order of mention.
"""

from __future__ import annotations

from mmcourse.storyworld import vocabulary as v
from mmcourse.storyworld.scene import Scene

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

    "left of" and "right of" hold whenever the positions differ; "next to" when no position that
    is taken lies between; "in front of" of a thing on the ground at a character's own position.
    """
    places = {f"character:{c.position}": v.POSITIONS.index(c.position) for c in scene.characters}
    places |= {
        f"thing:{t.position}": v.POSITIONS.index(t.position)
        for t in scene.things
        if t.position != given_thing(scene)  # that one is in somebody's hands
    }
    taken = set(places.values())
    airborne = {f"thing:{t.position}" for t in scene.things if t.kind in FLOATING}
    out: set[Fact] = set()
    for a, i in places.items():
        for b, j in places.items():
            if a == b or (a.startswith("thing") and b.startswith("thing")):
                continue
            if i != j:
                out.add((a, "left of" if i < j else "right of", b))
                if not taken & set(range(min(i, j) + 1, max(i, j))):
                    out.add((a, "next to", b))
            elif a.startswith("thing") and a not in airborne:
                out.add((a, "in front of", b))
    return frozenset(out)


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
