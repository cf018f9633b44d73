"""Who is in the pictures, and whether what the text changed has changed in them."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from typing import NamedTuple

from mmcourse.story.measure.pages import Seen, Tally
from mmcourse.storyworld.world.scene import Scene

SETTING = ("place", "time", "weather")
CHANGING = ("mood", "action", "accessory")
"""What may be another on each page; species and colour never are."""


def character_f1(
    asked: Sequence[Collection[Hashable]], seen: Sequence[Collection[Hashable]]
) -> float:
    """How well the characters of all frames agree with those who should be there, as F1.

    Frames are counted together (micro): precision is the share of those seen who should be there,
    recall the share of those who should be there who are seen, F1 their harmonic mean. So a frame
    with three characters weighs three times as much as one with one.

    Args:
        asked: for each frame, who should be there; nobody twice.
        seen: for each frame, who is there; nobody twice.

    Returns:
        0 to 1; 1 if nobody should be in any frame and nobody is.

    Raises:
        ValueError: another number of frames seen than asked for.
    """
    hits, of = f1_tally(asked, seen)
    return hits / of if of else 1.0


def f1_tally(asked: Sequence[Collection[Hashable]], seen: Sequence[Collection[Hashable]]) -> Tally:
    """The F1 as a part: twice those who are rightly there, of those asked for and those seen.

    2 / (1 / precision + 1 / recall) is 2 hits / (asked + seen), so parts of stories can be added.

    Raises:
        ValueError: another number of frames seen than asked for.
    """
    frames = _paired(asked, seen)
    both = sum(len(set(a) & set(b)) for a, b in frames)
    return Tally(2.0 * both, float(sum(len(a) + len(b) for a, b in frames)))


def exact_frames(
    asked: Sequence[Collection[Hashable]], seen: Sequence[Collection[Hashable]]
) -> Tally:
    """Of all frames, those that show exactly who should be there.

    Raises:
        ValueError: another number of frames seen than asked for.
    """
    frames = _paired(asked, seen)
    return Tally(float(sum(set(a) == set(b) for a, b in frames)), float(len(frames)))


def _paired(
    asked: Sequence[Collection[Hashable]], seen: Sequence[Collection[Hashable]]
) -> list[tuple[Collection[Hashable], Collection[Hashable]]]:
    if len(asked) != len(seen):
        raise ValueError(f"each of {len(asked)} frames is seen once, got {len(seen)}")
    return list(zip(asked, seen, strict=True))


class Value(NamedTuple):
    """What a page should show of a character (by name) or of the setting (""), which was told on an
    earlier page too; `changed` says whether it was another value there."""

    page: int
    who: str
    attribute: str
    value: str
    changed: bool


def retold(scenes: Sequence[Scene]) -> Iterator[Value]:
    """Every value of a story that had one before, page by page."""
    last: dict[tuple[str, str], str] = {}
    for page, scene in enumerate(scenes):
        now = {("", k): str(getattr(scene, k)) for k in SETTING}
        now |= {(c.name, k): str(getattr(c, k)) for c in scene.characters for k in CHANGING}
        for (who, attribute), value in now.items():
            if (who, attribute) in last:
                changed = last[who, attribute] != value
                yield Value(page, who, attribute, value, changed)
        last |= now


def honoured(scenes: Sequence[Scene], seen: Sequence[Seen], changed: bool = True) -> Tally:
    """Of all values that the text changed, those that the pictures show so; with `changed=False`,
    of all that it left as they were. Of somebody who is not to be found nothing is shown.

    A copied reference keeps what should stay, and misses what should change.
    """
    hits = of = 0
    for told in retold(scenes):
        if told.changed is not changed:
            continue
        here, of = seen[told.page], of + 1
        if not told.who:
            hits += here.setting[told.attribute] == told.value
            continue
        who = next(c for c in scenes[told.page].characters if c.name == told.who)
        position = here.find(who)
        hits += bool(position) and here.people[position][told.attribute] == told.value
    return Tally(float(hits), float(of))


def moods(scenes: Sequence[Scene], seen: Sequence[Seen]) -> Tally:
    """Of all characters that should be there, those whose mood is read as it was told."""
    hits = of = 0
    for scene, here in zip(scenes, seen, strict=True):
        for who in scene.characters:
            position = here.find(who)
            hits += bool(position) and here.people[position]["mood"] == who.mood
            of += 1
    return Tally(float(hits), float(of))
