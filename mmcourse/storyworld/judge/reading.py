"""What the judge is asked about a picture, and how its answers become facts."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.facts import Fact
from mmcourse.storyworld.world.scene import Scene

NOBODY, NOTHING, NONE = "nobody", "nothing", "none"
CHARACTER_FIELDS = {
    "species": (NOBODY, *v.SPECIES),
    **{k: x for k, x in v.CHARACTER_ATTRIBUTES.items() if k != "species"},
}
THING_FIELDS = {"kind": (NOTHING, *v.KINDS), "colour": v.COLOURS}
SCENE_FIELDS = {
    **v.SCENE_ATTRIBUTES,
    "style": v.STYLES,
    "camera": v.CAMERAS,
    "interaction": (NONE, *v.INTERACTIONS),
    "by": v.POSITIONS,
    "to": v.POSITIONS,
}
FIELDS: dict[str, tuple[str, ...]] = {
    **{f"character:{p}.{k}": x for p in v.POSITIONS for k, x in CHARACTER_FIELDS.items()},
    **{f"thing:{p}.{k}": x for p in v.POSITIONS for k, x in THING_FIELDS.items()},
    **{f"scene.{k}": x for k, x in SCENE_FIELDS.items()},
}
"""Every question that the judge answers about a picture, with the possible answers."""


@dataclass(frozen=True)
class Reading:
    """What the judge sees: facts as `facts.facts` states them, how sure it is of each answer
    (0 to 1), an identity vector for each character, and whether the picture is readable at all.

    An unreadable picture is unlike everything the judge was trained on, or leaves it unsure; its
    facts are the best guess and should not be counted.
    """

    facts: frozenset[Fact]
    confidence: dict[str, float]
    identities: dict[str, Tensor]
    readable: bool


def answers(scene: Scene) -> dict[str, str]:
    """The true answer to each of `FIELDS`; those that do not arise are left out."""
    out = {f"scene.{k}": getattr(scene, k) for k in (*v.SCENE_ATTRIBUTES, "style", "camera")}
    for p in v.POSITIONS:
        out[f"character:{p}.species"], out[f"thing:{p}.kind"] = NOBODY, NOTHING
    for c in scene.characters:
        out |= {f"character:{c.position}.{k}": getattr(c, k) for k in CHARACTER_FIELDS}
    for t in scene.things:
        out |= {f"thing:{t.position}.kind": t.kind, f"thing:{t.position}.colour": t.colour}
    act = scene.interaction
    out["scene.interaction"] = NONE if act is None else act.kind
    if act is not None:
        by, to = act.key()[1:3]
        out |= {"scene.by": str(by), "scene.to": str(to)}
    return out


def targets(scene: Scene) -> list[int]:
    """`answers` as indices in the order of `FIELDS`, -1 where the question does not arise."""
    said = answers(scene)
    return [values.index(said[f]) if f in said else -1 for f, values in FIELDS.items()]


def stated(said: dict[str, str]) -> frozenset[Fact]:
    """Answers as facts; what is said of nobody and nothing is dropped."""
    out: set[Fact] = {("scene", k, said[f"scene.{k}"]) for k in list(SCENE_FIELDS)[:5]}
    for p in v.POSITIONS:
        if said[f"character:{p}.species"] != NOBODY:
            out |= {(f"character:{p}", k, said[f"character:{p}.{k}"]) for k in CHARACTER_FIELDS}
        if said[f"thing:{p}.kind"] != NOTHING:
            out |= {(f"thing:{p}", k, said[f"thing:{p}.{k}"]) for k in THING_FIELDS}
    kind = said["scene.interaction"]
    if kind != NONE:
        by, to = f"character:{said['scene.by']}", f"character:{said['scene.to']}"
        out.add((by, kind, to))
        if kind in v.MUTUAL:
            out.add((to, kind, by))
        if kind == "give":
            out.add((by, "gives", f"thing:{said['scene.by']}"))
    return frozenset(out)


def arises(field: str, said: dict[str, str]) -> bool:
    """Whether a question makes sense, given the other answers."""
    who, _, what = field.partition(".")
    if who.startswith("character") and what != "species":
        return said[f"{who}.species"] != NOBODY
    if who.startswith("thing") and what != "kind":
        return said[f"{who}.kind"] != NOTHING
    return what not in ("by", "to") or said["scene.interaction"] != NONE
