"""A page of a story as structure: who is there, where it happens, and what happens, as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from mmcourse.lora.models.grammar import Grammar, Narrowed, json_grammar
from mmcourse.storyworld.language.plots import PLOTS, lines_of
from mmcourse.storyworld.language.plots.slots import SLOT
from mmcourse.storyworld.language.tell import Page
from mmcourse.storyworld.world import vocabulary as v

MUTUAL = v.MUTUAL
PEOPLE, POINTS = 3, 4
"""How many characters, and how many plot points, a page has at most."""
Item = tuple[str, ...]


@cache
def relations() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What can happen in the plots, and what else than somebody or a thing it can happen to: both
    are read off the plots' own lines, "=A wants sea"."""
    said = {tuple(slot[1:].split()) for plot in PLOTS for line in lines_of(plot.beats)
            for slot in SLOT.findall(line) if slot.startswith("=")}  # fmt: skip
    three = [s for s in said if len(s) == 3]
    return (
        tuple(sorted({s[1] for s in three})),
        tuple(sorted({s[2] for s in three if not re.fullmatch("[A-Z]", s[2])})),
    )


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a page; every text of it is in lower case, as the models' words are."""

    def closed(**properties: Any) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }

    def one_of(values: Iterable[str]) -> dict[str, Any]:
        return {"enum": [value.lower() for value in values]}

    happens, others = relations()
    things = [f"{colour} {kind}" for colour in v.COLOURS for kind in v.KINDS]
    person = closed(name=one_of(v.NAMES), species=one_of(v.SPECIES), mood=one_of(v.MOODS))
    point = closed(
        who=one_of(v.NAMES), what=one_of(happens), whom=one_of([*v.NAMES, *things, *others])
    )
    return closed(
        characters={"type": "array", "items": person, "minItems": 1, "maxItems": PEOPLE},
        place=closed(
            place=one_of(v.PLACES), time=one_of(v.TIMES), weather=one_of(v.WEATHERS)
        ),
        points={"type": "array", "items": point, "maxItems": POINTS},
    )  # fmt: skip


def page_grammar(processor: Any) -> Grammar:
    """The grammar of `schema` in a processor's tokens."""
    tokens = processor.tokenizer
    return json_grammar(schema(), lambda text: tokens(text, add_special_tokens=False)["input_ids"])


def on_the_page(processor: Any) -> Narrowed:
    """What a page says is about whom and what it names: for `Constrained`, to narrow the grammar.

    Names are those of the prompt; nobody is listed twice, and nobody does anything to themselves.
    If the prompt tells of things with their colours, a thing is one of these. Of what it has no
    word for the grammar alone decides: the picture may show it.
    """
    tokens = processor.tokenizer

    def ids(values: Iterable[str]) -> frozenset[int]:
        """Of words that are one token each."""
        return frozenset(tokens.convert_tokens_to_ids([value.lower() for value in values]))

    names, colours, kinds = ids(v.NAMES), ids(v.COLOURS), ids(v.KINDS)
    place, who, whom = ids(["place"]), ids(["who"]), ids(["whom"])

    def narrowed(
        asked: Sequence[int], said: Sequence[int], allowed: frozenset[int]
    ) -> frozenset[int]:
        things = {pair for pair in pairwise(asked) if pair[0] in colours and pair[1] in kinds}
        before = [token for token in said if token in names | place | who | whom]
        gone: frozenset[int] = names - frozenset(asked)
        if not place & frozenset(before):  # the list of characters
            gone |= frozenset(before)
        elif before[-1] in whom:  # who did it stands before
            gone |= frozenset(before[-2:-1])
        if things and said and said[-1] in colours:
            gone |= kinds - {kind for colour, kind in things if colour == said[-1]}
        elif things:
            gone |= colours - {colour for colour, _ in things}
        return allowed - gone

    return narrowed


def structure(page: Page) -> dict[str, Any]:
    """The right answer: characters and place as the scene shows them, points as the text has them.

    What is mutual (a hug, a quarrel) is told once; points are in the order of the alphabet.
    """
    scene = page.scene
    happens, _ = relations()
    points = sorted(
        fact
        for fact in page.facts
        if fact[1] in happens and not (fact[1] in MUTUAL and fact[0] > fact[2])
    )[:POINTS]
    return {
        "characters": [
            {"name": c.name.lower(), "species": c.species, "mood": c.mood} for c in scene.characters
        ],
        "place": {k: getattr(scene, k) for k in ("place", "time", "weather")},
        "points": [{"who": a.lower(), "what": k, "whom": b.lower()} for a, k, b in points],
    }


def items(found: dict[str, Any]) -> set[Item]:
    """What a structure says, one statement each, so that two can be compared."""
    out: set[Item] = {("place", k, x) for k, x in found["place"].items()}
    for person in found["characters"]:
        out |= {("character", person["name"], k, person[k]) for k in ("species", "mood")}
    return out | {("point", p["who"], p["what"], p["whom"]) for p in found["points"]}


def read_structure(text: str) -> dict[str, Any] | None:
    """A model's answer as data, or None where it is no such JSON."""
    try:
        found = json.loads(text)
        items(found)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return {
        "characters": [{k: x.strip() for k, x in c.items()} for c in found["characters"]],
        "place": {k: x.strip() for k, x in found["place"].items()},
        "points": [{k: x.strip() for k, x in p.items()} for p in found["points"]],
    }


def f1(said: Sequence[set[Item]], right: Sequence[set[Item]], part: str = "") -> float:
    """2 · precision · recall / (precision + recall) over all statements of all pages.

    Args:
        said: of each page.
        right: of the same pages.
        part: "character", "place" or "point" alone; "" for all.
    """
    kept = [({x for x in a if part in ("", x[0])}, {x for x in b if part in ("", x[0])})
            for a, b in zip(said, right, strict=True)]  # fmt: skip
    both = sum(len(a & b) for a, b in kept)
    return 2 * both / max(1, sum(len(a) + len(b) for a, b in kept))
