"""What a caption asks for, and how much of it a picture shows: counts, without a network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mmcourse.storyworld import Scene, describe, facts, held_out_pairs
from mmcourse.storyworld.world.facts import Fact

Share = tuple[float, int]
"""How often, and of how many."""


@dataclass(frozen=True)
class Asked:
    """A scene with its complete caption, and the facts that the caption states, but for relations
    such as "left of", which follow from the places."""

    scene: Scene
    text: str
    facts: frozenset[Fact]


def asked(scenes: Sequence[Scene]) -> list[Asked]:
    """Each scene with one fixed complete caption."""
    found = []
    for scene in scenes:
        said = describe(scene, key=0)
        found.append(Asked(scene, said.text, said.facts & facts(scene)))
    return found


def kind_of(fact: Fact) -> str:
    """The attribute that a fact is about: "species", "thing", "thing_colour", "interaction", ..."""
    who, what, _ = fact
    if who.startswith("thing"):
        return "thing" if what == "kind" else f"thing_{what}"
    if who.startswith("character") and what not in (
        "species",
        "colour",
        "accessory",
        "mood",
        "action",
    ):
        return "interaction"
    return what


def bodies(facts: Iterable[Fact]) -> frozenset[tuple[str, str]]:
    """Who and what is there, by place: ("character:left", "fox"), ("thing:right", "kite")."""
    return frozenset((who, value) for who, what, value in facts if what in ("species", "kind"))


def adherence(wanted: Sequence[Asked], read: Sequence[frozenset[Fact]]) -> dict[str, Share]:
    """How often what captions ask for is read in their pictures.

    Every stated fact is looked for where the caption puts it: a fox on the left does not answer for
    one on the right. By name: "attributes" over all facts, each attribute by itself, and
    "attributes_of_K" and "scene_of_K" by the number of characters; a scene counts when all its
    facts are read and nobody and nothing else is there.

    Args:
        wanted: what was asked for.
        read: the facts that the judge reads in each picture.
    """
    right: dict[str, list[bool]] = defaultdict(list)
    for ask, seen in zip(wanted, read, strict=True):
        crowd = f"of_{len(ask.scene.characters)}"
        for fact in sorted(ask.facts):
            for name in ("attributes", f"attributes_{crowd}", kind_of(fact)):
                right[name].append(fact in seen)
        whole = ask.facts <= seen and bodies(seen) == bodies(ask.facts)
        for name in ("scene", f"scene_{crowd}"):
            right[name].append(whole)
    return {name: (sum(rows) / len(rows), len(rows)) for name, rows in right.items()}


def unseen_pairs(wanted: Sequence[Asked], read: Sequence[frozenset[Fact]]) -> Share:
    """How often both values of a pair that training never showed together are read at one place.

    Args:
        wanted: scenes of the split "compositional".
        read: the facts that the judge reads in each picture.

    Raises:
        ValueError: scenes without such a pair.
    """
    right = []
    for ask, seen in zip(wanted, read, strict=True):
        pairs = held_out_pairs(ask.scene)
        by_place: dict[str, dict[str, str]] = defaultdict(dict)
        for who, what, value in ask.facts:
            by_place[who][what] = value
        for who, values in by_place.items():
            for a in values:
                for b in values:
                    if (values[a], values[b]) in pairs:
                        right.append({(who, a, values[a]), (who, b, values[b])} <= seen)
    if not right:
        raise ValueError("these scenes hold no unseen pair: take them from compositional")
    return sum(right) / len(right), len(right)


def relative(shares: Mapping[str, Share], ceiling: Mapping[str, Share]) -> dict[str, Share]:
    """Shares as parts of the ceiling's, by name: what the model loses beyond its autoencoder."""
    return {
        name: (value / ceiling[name][0], n)
        for name, (value, n) in shares.items()
        if name in ceiling and ceiling[name][0] > 0
    }
