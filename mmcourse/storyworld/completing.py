"""Fill in what a sentence leaves open: "a fox on the beach" has a colour, a mood and a weather too.

A model that learned from complete captions draws a brief one as several answers at once. Dice say
what the words do not. Nobody is added whom they do not name, and silence about hats, style and
camera means what it means in every complete caption: `language.words.QUIET`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mmcourse.storyworld.language.check import check_scene, within
from mmcourse.storyworld.language.parse import Account, read
from mmcourse.storyworld.language.words import QUIET
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.facts import CHARACTER, OPTIONAL
from mmcourse.storyworld.world.sampling import sample_scene
from mmcourse.storyworld.world.scene import Character, Interaction, Scene, Thing

TRIES = 300
SETTING = ("place", "time", "weather")
PLACED = {"position", "left of", "right of"}
"""What says where somebody stands; of several, one at least by itself."""
POOL = 100_000
"""What is left open is taken from one of so many scenes."""


@dataclass(frozen=True)
class Said:
    """The statements of a text, by whom they are about.

    people, things: the attributes of each that the text names, in its order. scene: of the setting.
    act: (who, what, to whom, which thing), or None.
    """

    people: Mapping[str, Mapping[str, str]]
    things: Mapping[str, Mapping[str, str]]
    scene: Mapping[str, str]
    act: tuple[str, str, str, str | None] | None

    @classmethod
    def of(cls, account: Account) -> Said:
        """Sorted, from what was read."""
        people: dict[str, dict[str, str]] = {}
        things: dict[str, dict[str, str]] = {}
        scene: dict[str, str] = {}
        act: tuple[str, str, str] | None = None
        gift = None
        for who, attribute, value in sorted(account.facts):
            if attribute == "gives":
                gift = value
            elif attribute in v.INTERACTIONS and act is None:
                act = (who, attribute, value)
            about = scene if who == "scene" else None
            about = things.setdefault(who, {}) if who.startswith("thing") else about
            about = people.setdefault(who, {}) if about is None else about
            about[attribute] = value
        return cls(people, things, scene, (*act, gift) if act else None)

    @property
    def complete(self) -> bool:
        """Whether nothing is left open that a complete caption would say."""
        return (
            any("position" in about for about in self.people.values())
            and all(PLACED & set(about) for about in self.people.values())
            and all(set(CHARACTER) <= {*about, *QUIET} for about in self.people.values())
            and all({"kind", "colour"} <= set(about) for about in self.things.values())
            and set(SETTING) <= set(self.scene)
        )


def complete(text: str, seed: int = 0) -> Scene | None:
    """A scene of which a text is true, with what it leaves open drawn by dice.

    Args:
        text: in the world's words.
        seed: another seed fills in otherwise.

    Returns:
        the scene; None where nothing is left open, or where no scene can be as the text says.
    """
    account = read(text)
    said = Said.of(account)
    if account.unread or within(account.facts) or said.complete:
        return None
    dice = Dice("complete", seed, text)
    for attempt in range(TRIES):
        try:
            scene = _guess(said, dice, beyond=attempt >= TRIES // 2)
        except ValueError:  # two alike, or somebody who sleeps angrily: other dice
            continue
        wrong, unread = check_scene(account, scene)
        if not wrong and not unread:
            return scene
    return None


def _guess(said: Said, dice: Dice, beyond: bool) -> Scene:
    """A scene that has what was said, if it can; its relations are left to chance.

    Things lie beside a lone character, or, if `beyond`, perhaps on the same side, where they are
    seldom seen.

    Raises:
        ValueError: more people or things than a picture has room for, or a scene that contradicts
            itself.
    """
    base = sample_scene("train", int(POOL * dice.number()))
    count = max(1, len(said.people), int(said.scene.get("count", 1)))
    if count > len(v.POSITIONS):
        raise ValueError(f"{count} characters; a picture shows {len(v.POSITIONS)}")
    positions = {1: dice.sample(v.POSITIONS, 1), 2: ["left", "right"], 3: list(v.POSITIONS)}[count]
    names = dice.sample(v.NAMES, count)
    told = [*said.people.values(), *({} for _ in range(count - len(said.people)))]
    where = dice.sample(positions, count)
    people = []
    for about, position, name in zip(told, where, names):
        somebody = dice.pick(sample_scene("train", int(POOL * dice.number())).characters)
        usual = {key: QUIET.get(key, getattr(somebody, key)) for key in CHARACTER}
        look = {key: about.get(key, usual[key]) for key in CHARACTER}
        standing = about.get("position", position)
        people.append(Character(**look, position=standing, name=about.get("name", name)))
    places = dict(zip(said.people, [c.position for c in people]))
    act = None
    if said.act is not None:
        by, kind, to, gift = said.act
        kept = said.things.get(gift or "", {}).get("kind")
        act = Interaction(kind, places.get(by, ""), places.get(to, ""), kept)
    free = [p for p in v.POSITIONS if beyond or count > 1 or p not in places.values()]
    things = []
    for who, about in said.things.items():
        at = about.get("position", dice.pick(free))
        if act is not None and said.act is not None and who == said.act[3]:
            at = act.by
        colour = about.get("colour", dice.pick(v.COLOURS))
        things.append(Thing(about.get("kind", dice.pick(v.KINDS)), colour, at))
    setting = {key: said.scene.get(key, getattr(base, key)) for key in SETTING}
    drawn = {key: said.scene.get(key, QUIET[key]) for key in OPTIONAL}
    return Scene(tuple(people), tuple(things), **setting, **drawn, interaction=act)  # type: ignore[arg-type]
