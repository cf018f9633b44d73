"""The writer of the world's own pen: exact, quick, never untrue, and endlessly patient."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from mmcourse.story.abilities import Captioned, Hero, WriteRequest, Written
from mmcourse.story.grammar import pen
from mmcourse.story.grammar.tale import Bound, Note, Tale
from mmcourse.story.grammar.wish import Wish, from_facts, read_wish, renamed
from mmcourse.story.staging import scene_of
from mmcourse.story.state import State
from mmcourse.storyworld.language import words as w
from mmcourse.storyworld.language.noun_phrases import Entity
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.facts import facts as scene_facts
from mmcourse.storyworld.world.sampling import sample_identity
from mmcourse.storyworld.world.scene import Character

ATTEMPTS = 40


class WorldWriter:
    """Writes by moves on the state (see `mmcourse.story.grammar`)."""

    def write(self, request: WriteRequest) -> Iterator[str | Written]:
        """One sentence after another, and the whole.

        Raises:
            ValueError: nothing of what was typed can be read; the words that can are named.
        """
        done = self._enhanced(request) if request.purpose == "enhance" else self._scene(request)
        for sentence in re.split(r"(?<=[.!?]) ", done.text):
            yield sentence + " "
        yield done

    def _scene(self, request: WriteRequest) -> Written:
        state = request.state or State()
        start = request.state is None or not state.characters
        key = ("pen", request.seed, len(state.scenes), request.prompt, request.voice, request.tone)
        for attempt in range(ATTEMPTS):
            dice = Dice(*key, attempt)
            tale = Tale(state, Note.from_json(state.plan))
            if not start and not tale.cast:
                raise ValueError("nobody here is of the world; edit a scene, or begin anew")
            wish = self._wish(request, None if start else tale)
            try:
                if start:
                    return self._opening(request, wish, dice)
                return self._next(request, tale, wish, dice)
            except pen.Impossible:
                continue
        raise ValueError("the world knows no scene like this; ask for a little less at once")

    @staticmethod
    def _wish(request: WriteRequest, tale: Tale | None) -> Wish:
        """What the reader asks for, by words and by a picture."""
        wish = read_wish(request.prompt, tale)
        if request.seen is not None:
            wish = joined(wish, from_picture(request.seen))
        return wish

    def _next(self, request: WriteRequest, tale: Tale, wish: Wish, dice: Dice) -> Written:
        bound = Bound({"A": tale.cast[tale.hero]})
        if request.choice is not None:
            found = pen.taken(request.choice, tale, dice)
            if found is None:
                note = f'"{request.choice.label}" cannot be any more; the story went another way'
                wish = replace(wish, notes=(*wish.notes, note))
                found = pen.choose(tale, request.left, dice)
            return pen.tell(pen.from_move(found, dice), tale, wish, request, dice)
        if wish.away and "place" not in wish.setting:
            wish.setting["place"] = dice.pick(
                [p for p in v.PLACES if p != tale.setting.get("place")]
            )
        if wish.ends:
            request = replace(request, left=0)
            last = pen.fitting(tale, dice, ("close",))
            if last:
                return pen.tell(pen.from_move(dice.pick(last), dice), tale, wish, request, dice)
        if wish.empty and wish.named:
            with_them = pen.about(set(wish.named), tale, request.left, dice)
            if with_them is not None:
                return pen.tell(pen.from_move(with_them, dice), tale, wish, request, dice)
        if not wish.empty or wish.named:
            draft = pen.from_wish(wish, tale, bound, dice)
            return pen.tell(draft, tale, wish, request, dice)
        found = pen.choose(tale, request.left, dice)
        return pen.tell(pen.from_move(found, dice), tale, wish, request, dice)

    def _opening(self, request: WriteRequest, wish: Wish, dice: Dice) -> Written:
        """The first scene: who and where, and a wish of the hero's."""
        hero, who = a_hero(request.hero, wish, dice)
        wish = renamed(wish, who, hero.name)
        place = wish.setting.get("place") or dice.pick(v.PLACES)
        weather = dice.pick(("clear", "clear", "rain"))
        setting = {"place": place, "time": "day", "weather": weather, **wish.setting}
        note = Note(home=place, variation=dice.pick(v.VARIATIONS))
        tale = Tale(State(), note)
        tale.cast = {hero.name: hero}
        bound = Bound({"A": hero}, new=frozenset("A"))
        draft = pen.from_wish(wish, tale, bound, dice, found="find" in request.prompt)
        tale.setting = dict(setting)
        draft = pen.with_a_goal(draft, wish, tale, dice)
        draft.first = True
        wish = replace(wish, setting=setting)
        done = pen.tell(draft, tale, wish, request, dice)
        return done if done.title else replace(done, title=f"{hero.name} the {hero.species}")

    def _enhanced(self, request: WriteRequest) -> Written:
        """A text told again with what a picture shows, in a sentence where it belongs: at its end,
        or, for where and when it happens, at its beginning."""
        if request.seen is None:
            raise ValueError("a story is enhanced from a picture; give one")
        shown = from_picture(request.seen)
        told = read_wish(request.prompt, None)
        new = Wish(setting={k: x for k, x in shown.setting.items() if k not in told.setting})
        tables = {"place": w.PLACE, "time": w.TIME, "weather": w.WEATHER}
        dice = Dice("enhance", request.seed, request.prompt)
        where = [dice.pick(tables[k][x]) for k, x in new.setting.items()]
        first = f"This happened {' '.join(where)}. " if where else ""
        kinds = {kind for _, kind in told.things}
        things = [t for t in shown.things if t[1] not in kinds]
        said = {c.get("species") for c in told.people.values()}
        others = [c for c in shown.people.values() if c.get("species") not in said]
        seen = [w.article(f"{c} {k}".strip()) for c, k in things]
        seen += [w.article(f"{c.get('colour', '')} {c['species']}".strip()) for c in others]
        last = f" Nearby there was {' and '.join(seen)}." if seen else ""
        return Written(first + request.prompt.strip() + last, notes=(request.seen.text,))


def a_hero(given: Hero | None, wish: Wish, dice: Dice) -> tuple[Character, str]:
    """The hero, and who of the wish they are ("" for nobody): the reader's own hero, else the first
    who is wished for, else anybody.

    Raises:
        ValueError: a name, a look or an identity that the world does not have.
    """
    own = dict(given.looks) if given else {}
    same = [
        who
        for who, look in wish.people.items()
        if not given or who == given.name or look.get("species") in (None, own.get("species"))
    ]
    who = same[0] if same else ""
    looks = {**wish.people.get(who, {}), **own}
    name = given.name if given and given.name else who if who in v.NAMES else ""
    taken = [n for n in wish.people if n != who]
    hero = Character(
        looks.get("species") or dice.pick(v.SPECIES),
        looks.get("colour") or dice.pick(v.COLOURS),
        looks.get("accessory", "none"),
        name=name or dice.pick([n for n in v.NAMES if n not in taken]),
        identity=tuple(given.identity) if given and given.identity else sample_identity(dice),
    )
    return hero, who


def from_picture(seen: Captioned) -> Wish:
    """The wish that a picture makes: what it shows."""
    if seen.staging:
        scene = scene_of(seen.staging)
        assert scene is not None
        known = {}
        for c in scene.characters:
            who = f"character:{c.position}"
            known[who] = Entity(who, c.species, {"species": c.species, "colour": c.colour})
        for t in scene.things:
            who = f"thing:{t.position}"
            known[who] = Entity(who, t.kind, {"kind": t.kind, "colour": t.colour})
        facts = [f for f in scene_facts(scene) if f[1] not in ("camera", "style", "action")]
        facts = [f for f in facts if f[1:] != ("accessory", "none")]
        return from_facts(facts, known)
    return from_facts([f.triple for f in seen.facts], {})


def joined(first: Wish, second: Wish) -> Wish:
    """Two wishes as one; what the first says goes before the second."""
    return replace(
        first,
        people=first.people or second.people,
        things=first.things or second.things,
        acts=first.acts or second.acts,
        setting={**second.setting, **first.setting},
        style=first.style or second.style,
        notes=(*first.notes, *second.notes),
    )
