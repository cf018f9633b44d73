"""Extractor and mood reader of the world: the parser, and a look at a drawn face."""

from __future__ import annotations

from dataclasses import replace

from mmcourse.story.abilities import (
    Extracted,
    ExtractRequest,
    FoundCharacter,
    FoundSetting,
    Mood,
    MoodRequest,
    PlotPoint,
)
from mmcourse.story.backends.drawn_face import read_face
from mmcourse.story.facts import EVENTS, GOALS, POSSESSIONS, PROMISES, RELATIONS, Fact
from mmcourse.story.grammar.granting import grant
from mmcourse.story.grammar.reading_back import PenReader
from mmcourse.story.grammar.tale import Bound, Note, Tale
from mmcourse.story.grammar.telling import TONE_OF_MOOD, Standing, places_from
from mmcourse.story.grammar.wish import Wish, read_wish
from mmcourse.story.state import State
from mmcourse.storyworld.language.lexicon import read_prompt
from mmcourse.storyworld.language.phrases import chunk, tokens
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice

LOOKS = ("species", "colour", "accessory")
POINTS = (*EVENTS, *GOALS, *POSSESSIONS, *PROMISES, *RELATIONS)


class WorldExtractor:
    """Reads texts by the grammar that wrote them, and others as far as the parser can."""

    def extract(self, request: ExtractRequest) -> Extracted:
        """Characters, settings and plot points, with the words that were not understood."""
        state = request.state or State()
        reader = PenReader(state)
        facts, unread = reader.scene(request.text)
        after = State((*state.facts, *facts), state.scenes)
        named = {f.subject for f in facts if f.subject in v.NAMES}
        named |= {f.value for f in facts if f.value in v.NAMES}
        named |= {n for n in state.characters if n in request.text}
        people = []
        order = [*state.characters, *sorted(named - set(state.characters))]
        for name in (n for n in order if n in named):
            looks = {k: x for k, x in after.looks(name).items() if k in LOOKS}
            role = "hero" if order.index(name) == 0 else "companion"
            people.append(FoundCharacter(name, looks, after.mood(name), role))
        for f in facts:
            if f.attribute == "species" and f.subject.startswith("character"):
                looks = {g.attribute: g.value for g in facts if g.subject == f.subject
                         and g.attribute in LOOKS}  # fmt: skip
                people.append(FoundCharacter(f.subject, looks))
        where = {f.attribute: f.value for f in facts if f.subject == "scene"}
        setting = FoundSetting(*(where.get(k, "") for k in ("place", "time", "weather")))
        points = tuple(
            PlotPoint(f.subject, f.attribute, f.value, text)
            for text, found in reader.sentences
            for f in found
            if f.attribute in POINTS
        )
        settings = (setting,) if setting != FoundSetting() else ()
        staging = request.staging or staged(request.text, state, facts)
        return Extracted(tuple(people), settings, points, tuple(facts), tuple(unread), staging)


def staged(text: str, state: State, facts: list[Fact]) -> str:
    """A scene that shows what a text says, as far as the world can; "" where it says nothing that
    can be seen. The same text always gives the same scene."""
    tale = Tale(state, Note.from_json(state.plan)) if state.characters else None
    try:
        wish = read_wish(text, tale)
    except ValueError:
        return ""
    if tale is not None and not tale.cast:
        return ""
    if tale is not None:  # who is named in the text is in the picture, as the text has them now
        for f in facts:
            if f.subject in tale.cast and f.attribute in ("mood", "action", "accessory"):
                wish.people.setdefault(f.subject, {})[f.attribute] = f.value
    if wish.empty:
        return ""
    dice = Dice("staged", text)
    return _stage(wish, tale, dice)


def _stage(wish: Wish, tale: Tale | None, dice: Dice) -> str:
    from mmcourse.story.backends.world_writer import a_hero
    from mmcourse.story.grammar.wish import renamed

    bound_new: frozenset[str] = frozenset()
    if tale is None:
        hero, who = a_hero(None, wish, dice)
        wish = renamed(wish, who, hero.name)
        tale = Tale(State(), Note(variation=dice.pick(v.VARIATIONS)))
        tale.cast, bound_new = {hero.name: hero}, frozenset("A")
        tale.setting = {"place": dice.pick(v.PLACES), "time": "day", "weather": "clear"}
    else:
        hero = tale.cast[tale.hero]
    granted = grant(wish, tale, Bound({"A": hero}, new=bound_new), dice)
    tale.setting = {**tale.setting, **wish.setting}
    stage = Standing(granted.bound, tale, places_from(tale, dice), wish.style or "flat")
    try:
        return stage.show(replace(granted.beat, time="", weather="")).to_json()
    except ValueError:
        return ""


class WorldMoodReader:
    """Reads moods by the world's words for them."""

    def read(self, request: MoodRequest) -> Mood:
        """What was told goes before what was written, and that before what was drawn."""
        for source, words in (("told", request.told), ("written", request.text)):
            mood = mood_of(words)
            if mood:
                return Mood(mood, TONE_OF_MOOD[mood], f"{source}: {mood}")
        if request.face is not None:
            mood, why = read_face(request.face)
            if mood:
                return Mood(mood, TONE_OF_MOOD[mood], f"drawn: {why}")
            return Mood("", "", f"the face could not be read: {why}")
        return Mood("", "", "no word of a mood was found")


def mood_of(text: str) -> str:
    """The mood that a text speaks of most; "" if it speaks of none."""
    if not text.strip():
        return ""
    items = chunk(tokens(read_prompt(text).text))
    found = [item.value for item in items if item.kind == "mood"]
    return max(dict.fromkeys(found), key=found.count) if found else ""
