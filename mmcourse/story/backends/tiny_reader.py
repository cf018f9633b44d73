"""Chapter 6's LLaVA as a reader of stories: a page becomes JSON, which a grammar keeps valid.

It is asked for a page with those whom the story has introduced before it, for a page calls them by
their names alone (see `mmcourse.lora.models.extraction`).

It learned to read pages beside their pictures, and a page doesn't say everything that its picture
shows. So where the scene is staged, it is shown the scene. Where it is not, it looks at a blank
picture, and of what it says only that is kept which the text has a word for: a grammar makes it
name a place even where none was told. A name is kept only if the text has it, picture or not, for
no picture shows what somebody is called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mmcourse.story.abilities import (
    Extracted,
    ExtractRequest,
    FoundCharacter,
    FoundSetting,
    PlotPoint,
)
from mmcourse.story.backends.tiny_models import Seer
from mmcourse.story.backends.world_reader import staged
from mmcourse.story.facts import SETTING, Fact
from mmcourse.story.staging import scene_of
from mmcourse.story.state import State
from mmcourse.storyworld.language import words as w
from mmcourse.storyworld.language.phrases import tokens
from mmcourse.storyworld.world import vocabulary as v

if TYPE_CHECKING:
    from PIL.Image import Image

TOKENS = 256
PAGE = 220
"""Tokens of a page that are read at most."""
WORDS: dict[str, Mapping[str, tuple[str, ...]]] = {
    "place": w.PLACE,
    "time": {x: (*w.TIME[x], *w.TIME_TOLD[x]) for x in v.TIMES},
    "weather": {x: (*w.WEATHER[x], *w.WEATHER_TOLD[x]) for x in v.WEATHERS},
    "mood": w.FEELS,
    "species": {s: (s, w.plural(s)) for s in v.SPECIES},
}
"""What a text says if it tells a value."""


class LlavaExtractor:
    """Characters, settings and plot points, as LLaVA reads them.

    Args:
        seer: a LLaVA, which others may use as well.
    """

    def __init__(self, seer: Seer) -> None:
        self.seer = seer

    @cached_property
    def grammar(self) -> Any:
        """Of a page's JSON, in the model's tokens."""
        from mmcourse.lora.models.structure import page_grammar

        return page_grammar(self.seer.pair.processor)

    @cached_property
    def narrowed(self) -> Any:
        """Which of the grammar's names and things a page leaves."""
        from mmcourse.lora.models.structure import on_the_page

        return on_the_page(self.seer.pair.processor)

    def extract(self, request: ExtractRequest) -> Extracted:
        """What a page says. `unread` holds the text if the model's JSON was cut off, or said
        nothing that the text says."""
        picture = self.scene_shown(request.staging)
        (found,) = self.read([request.text], [picture], [known_in(request.state)])
        return as_extracted(found, request, picture is not None)

    def scene_shown(self, staging: str) -> Image | None:
        """A staged scene as it is drawn, or None."""
        from mmcourse.storyworld import render

        scene = scene_of(staging)
        return None if scene is None else render(scene, self.seer.side)

    def read(
        self,
        texts: Sequence[str],
        pictures: Sequence[Image | None],
        known: Sequence[Mapping[str, str]],
    ) -> list[dict[str, Any] | None]:
        """For each page what it says (see `mmcourse.lora.models.structure`), or None; `known` holds
        who is known before each."""
        from mmcourse.lora.models.extraction import extract_prompt
        from mmcourse.lora.models.grammar import Constrained
        from mmcourse.lora.models.structure import read_structure
        from mmcourse.lora.models.tasks import blank

        nothing = blank(self.seer.side)
        said = self.seer.say(
            [extract_prompt(cut(text), who) for text, who in zip(texts, known, strict=True)],
            [nothing if picture is None else picture for picture in pictures],
            TOKENS,
            logits_processor=[Constrained(self.grammar, self._stop, narrowed=self.narrowed)],
        )
        found = [read_structure(answer) for answer in said]
        return [
            None if one is None else grounded(one, text, picture is not None, who)
            for one, text, picture, who in zip(found, texts, pictures, known, strict=True)
        ]

    @property
    def _stop(self) -> int:
        return int(self.seer.pair.processor.tokenizer.eos_token_id)


def known_in(state: State | None) -> dict[str, str]:
    """Species by name of those whom a story has introduced, in the order of their coming; who has
    no name of the world's is left out."""
    found = {name: state.value(name, "species") for name in state.characters} if state else {}
    return {name: x for name, x in found.items() if name in v.NAMES and x in v.SPECIES}


def cut(text: str) -> str:
    """A text's beginning, as long as a page may be."""
    words = tokens(text)
    return text if len(words) <= PAGE else " ".join(words[:PAGE])


def told(attribute: str, value: str, text: str) -> bool:
    """Whether a text has a word for a value."""
    said = f" {' '.join(tokens(text))} "
    phrases = (value, *WORDS.get(attribute, {}).get(value, ()))
    return any(f" {phrase} " in said for phrase in phrases)


def grounded(
    found: dict[str, Any], text: str, seen: bool, known: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Of a structure what its text has words for or, if a picture was `seen`, what that may show,
    and the species of those who are `known`. Somebody whom the text does not name stays as
    "character 1" if text or picture has the species."""
    species = {name.lower(): x for name, x in (known or {}).items()}

    def kept(values: Mapping[str, str]) -> dict[str, str]:
        return {k: x if seen or told(k, x, text) else "" for k, x in values.items()}

    said = set(tokens(text))
    people: list[dict[str, str]] = []
    names: set[str] = set()
    for one in found["characters"]:
        name = one["name"]
        rest = kept({k: x for k, x in one.items() if k != "name"})
        if {name, f"{name}'s"} & said:
            names.add(name)
            rest["species"] = species.get(name, rest["species"])
        elif rest["species"]:
            name = f"character {len(people) + 1}"
        else:
            continue
        people.append({"name": name, **rest})
    return {
        "characters": people,
        "place": kept(found["place"]),
        "points": [p for p in found["points"] if p["who"] in names],
    }


def shown_name(name: str) -> str:
    """A name as it is printed: the models' words are in lower case."""
    capital = name.capitalize()
    return capital if capital in v.NAMES else name


def facts_in(found: dict[str, Any], state: State) -> list[Fact]:
    """What a structure makes true: where it happens, who is there and how, and what happens. The
    species of those who are known is not told again."""
    place = {k: x for k, x in found["place"].items() if x}
    out = [Fact("scene", k, place[k]) for k in SETTING if k in place]
    where = place.get("place") or state.value("scene", "place")
    for one in found["characters"]:
        name = shown_name(one["name"])
        if one["species"] and not state.value(name, "species"):
            out.append(Fact(name, "species", one["species"]))
        if where and name in v.NAMES:
            out.append(Fact(name, "at", where))
        if one["mood"]:
            out.append(Fact(name, "mood", one["mood"]))
    out += [Fact(shown_name(p["who"]), p["what"], shown_name(p["whom"])) for p in found["points"]]
    return list(dict.fromkeys(out))


def as_extracted(found: dict[str, Any] | None, request: ExtractRequest, seen: bool) -> Extracted:
    """A structure as the storyteller keeps it."""
    state = request.state or State()
    if found is None:
        return Extracted(unread=(request.text,), staging=request.staging)
    facts = facts_in(found, state)
    names = [shown_name(one["name"]) for one in found["characters"]]
    hero = (*state.characters, *names, "")[0]
    people = tuple(
        FoundCharacter(
            name,
            {"species": one["species"]} if one["species"] else {},
            one["mood"],
            "hero" if name == hero else "companion",
        )
        for name, one in zip(names, found["characters"], strict=True)
    )
    setting = FoundSetting(*(found["place"][k] for k in SETTING))
    points = tuple(
        PlotPoint(shown_name(p["who"]), p["what"], shown_name(p["whom"])) for p in found["points"]
    )
    staging = request.staging or staged(request.text, state, facts)
    unread = () if facts else (request.text,)
    return Extracted(
        people,
        (setting,) if setting != FoundSetting() else (),
        points,
        tuple(facts),
        unread,
        staging,
    )
