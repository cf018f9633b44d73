"""Arcs: how the hero fares from scene to scene, read from facts or from the text, and planned."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mmcourse.story.abilities import ExtractRequest, WriteRequest, Written
from mmcourse.story.backends.world_reader import WorldExtractor
from mmcourse.story.backends.world_writer import WorldWriter
from mmcourse.story.facts import Fact
from mmcourse.story.grammar import pen
from mmcourse.story.grammar.move import KINDS
from mmcourse.story.grammar.tale import Note, Tale
from mmcourse.story.grammar.wish import Wish
from mmcourse.story.horizons.reach import with_scene
from mmcourse.story.story import Story
from mmcourse.storyworld.language.words import FEELS
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.vocabulary import MOODS

Arc = list[float]
FORTUNE = {"happy": 1.0, "surprised": 0.0, "sad": -1.0, "angry": -1.0}
"""How somebody fares, by their mood."""
SHAPES: dict[str, Callable[[float], float]] = {
    "rise": lambda t: 2 * t - 1,
    "fall": lambda t: 1 - 2 * t,
    "fall_rise": lambda t: math.cos(2 * math.pi * t),
    "rise_fall": lambda t: -math.cos(2 * math.pi * t),
    "rise_fall_rise": lambda t: -math.cos(3 * math.pi * t),
    "fall_rise_fall": lambda t: math.cos(3 * math.pi * t),
}
"""From the place in the story, 0 to 1, to fortune.

Source: Reagan et al., The Emotional Arcs of Stories Are Dominated by Six Basic Shapes, 2016.
"""
OVER = 3
"""Scenes over which an arc is smoothed: one mood is no arc."""
OPENINGS = tuple(f"a {mood} {species}" for mood in MOODS for species in ("fox", "rabbit"))


def shape(name: str, scenes: int) -> Arc:
    """A shape at so many scenes.

    Raises:
        ValueError: an unknown shape, or fewer than 2 scenes.
    """
    if name not in SHAPES:
        raise ValueError(f"there is no shape {name!r}; choose one of {', '.join(SHAPES)}")
    if scenes < 2:
        raise ValueError(f"an arc has at least 2 scenes, got {scenes}")
    return [SHAPES[name](i / (scenes - 1)) for i in range(scenes)]


def smooth(arc: Sequence[float], over: int = OVER) -> Arc:
    """Each value as the mean of those around it, `over` of them, fewer at the ends."""
    half = over // 2
    rows = [arc[max(0, i - half) : i + half + 1] for i in range(len(arc))]
    return [sum(row) / len(row) for row in rows]


def off(arc: Sequence[float], target: Sequence[float]) -> float:
    """How far two arcs are apart when both are smoothed: the mean absolute difference, 0 to 2.

    Raises:
        ValueError: arcs of different lengths, or of none.
    """
    _check_lengths(arc, target)
    pairs = zip(smooth(arc), smooth(target), strict=True)
    return sum(abs(a - b) for a, b in pairs) / len(arc)


def _check_lengths(arc: Sequence[float], other: Sequence[float]) -> None:
    if len(arc) != len(other) or not arc:
        raise ValueError(
            f"arcs of {len(arc)} and {len(other)} scenes cannot be compared; give two of one length"
        )


def alike(arc: Sequence[float], target: Sequence[float]) -> float:
    """The correlation of two smoothed arcs, -1 to 1; 0 if one of them is flat. Errors as `off`."""
    _check_lengths(arc, target)
    a, b = smooth(arc), smooth(target)
    ma, mb = sum(a) / len(a), sum(b) / len(b)
    both = sum((x - ma) * (y - mb) for x, y in zip(a, b, strict=True))
    sizes = math.sqrt(sum((x - ma) ** 2 for x in a) * sum((y - mb) ** 2 for y in b))
    return both / sizes if sizes > 1e-9 else 0.0


# -- reading ---------------------------------------------------------------------------------------


def told(story: Story) -> Arc:
    """The hero's fortune at each scene, from the facts that the writer states."""
    hero = story.state().characters[0]
    return [FORTUNE.get(story.state(node.id).mood(hero), 0.0) for node in story.path()]


def read(story: Story) -> Arc:
    """The same from the text alone: the extractor reads scene by scene, and keeps what it read."""
    reader, arc, seen = WorldExtractor(), Arc(), Story(story.id, "")
    for node in story.path():
        found = reader.extract(ExtractRequest(node.text, seen.state() if seen.nodes else None))
        seen = _kept(seen, node.text, found.facts)
        state = seen.state()
        hero = state.characters[0] if state.characters else ""
        arc.append(FORTUNE.get(state.mood(hero), 0.0))
    return arc


def _kept(story: Story, text: str, facts: Sequence[Fact]) -> Story:
    return with_scene(story, Written(text, facts=tuple(facts)))


def open_wishes(told: Sequence[Sequence[tuple[str, str, str]]]) -> list[int]:
    """Tension: how many wishes are open after each scene.

    Args:
        told: for each scene the facts that it makes true, (subject, attribute, value); "wants"
            opens a wish of somebody for something, "got" ends it. A wish that is made twice is one.

    Returns:
        a number for each scene.
    """
    wanted: set[tuple[str, str]] = set()
    found = []
    for facts in told:
        for who, what, value in facts:
            if what == "wants":
                wanted.add((who, value))
            elif what == "got":
                wanted.discard((who, value))
        found.append(len(wanted))
    return found


def tension(story: Story) -> list[int]:
    """`open_wishes` of a story."""
    return open_wishes([[f.triple for f in node.facts] for node in story.path()])


def counted(story: Story) -> Arc:
    """By a list of words: the mean fortune of a scene's words for moods, whoever feels them. A
    baseline that knows no grammar."""
    words = {word: FORTUNE[mood] for mood, said in FEELS.items() for word in said}
    arc = Arc()
    for node in story.path():
        found = [words[w] for w in node.text.lower().replace(".", " ").replace(",", " ").split()
                 if w in words]  # fmt: skip
        arc.append(sum(found) / len(found) if found else 0.0)
    return arc


def agree(arc: Sequence[float], truth: Sequence[float]) -> float:
    """Share of scenes at which an arc has the sign of the true one. Errors as `off`."""
    _check_lengths(arc, truth)
    same = [(a > 0) - (a < 0) == (b > 0) - (b < 0) for a, b in zip(arc, truth, strict=True)]
    return sum(same) / len(same)


# -- planning --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Branch:
    """A story that could still become the plan, and its hero's fortune so far."""

    story: Story
    arc: tuple[float, ...]

    def cost(self, target: Sequence[float]) -> float:
        """How far its arc is from the target up to here."""
        n = len(self.arc)
        return off(self.arc, target[:n]) if n else 0.0


def any_story(seed: int, scenes: int) -> Story:
    """A story as the pen tells it if nobody asks for an arc: the baseline."""
    writer, story = WorldWriter(), Story(f"any-{seed}", "", seed=seed)
    for n in range(scenes):
        state = story.state() if n else None
        *_, done = writer.write(WriteRequest(state=state, seed=seed, left=scenes - 1 - n))
        story = with_scene(story, done)
    return story


def best_of(target: Sequence[float], seed: int, tries: int) -> Story:
    """Of so many stories the one whose arc is nearest to the target: the baseline with a choice."""
    found = [any_story(seed * tries + i, len(target)) for i in range(tries)]
    return min(found, key=lambda story: off(told(story), target))


def planned(target: Sequence[float], seed: int = 0, width: int = 6) -> tuple[Story, int]:
    """Write towards an arc by beam search: of all moves that fit, keep the few whose moods come
    nearest to it.

    Moods are not decreed. A move brings its mood with it, and fits only where the story has what
    it needs: nobody loses what they do not have.

    Args:
        target: the fortune wanted at each scene.
        seed: of the dice.
        width: stories that are kept at each scene.

    Returns:
        the nearest story, and how many scenes were written on the way to it.

    Raises:
        ValueError: a width below 1.
    """
    if width < 1:
        raise ValueError(f"width must be at least 1, got {width}")
    writer, written = WorldWriter(), 0
    beam = []
    for i, opening in enumerate(OPENINGS):
        *_, done = writer.write(WriteRequest(prompt=opening, seed=seed + i))
        beam.append(_grown(Branch(Story(f"plan-{seed}", "", seed=seed), ()), done))
        written += 1
    beam = sorted(beam, key=lambda branch: branch.cost(target))[:width]
    for n in range(1, len(target)):
        grown = []
        left = len(target) - 1 - n
        for branch in beam:
            for found in _nearest_moves(branch, target, seed, width):
                next_ = _told(branch.story, found, left, seed)
                if next_ is not None:
                    grown.append(_grown(branch, next_))
                    written += 1
        beam = sorted(grown, key=lambda branch: branch.cost(target))[:width] or beam
    return beam[0].story, written


def _grown(branch: Branch, done: str | Written) -> Branch:
    story = with_scene(branch.story, done)
    hero = story.state().characters[0]
    return Branch(story, (*branch.arc, FORTUNE.get(story.state().mood(hero), 0.0)))


def _nearest_moves(
    branch: Branch, target: Sequence[float], seed: int, width: int
) -> list[pen.Fitting]:
    """The moves after which a story would be nearest to the target, before any is told."""
    state = branch.story.state()
    tale = Tale(state, Note.from_json(state.plan))
    n = len(branch.arc)
    fits = pen.fitting(tale, Dice("plan", seed, n, branch.story.text()), KINDS)

    def cost(found: pen.Fitting) -> float:
        states = [s.split() for s in found.move.beat.state.split(", ")]
        mood = next((s[1] for s in states if s[0] == "A"), state.mood(tale.hero))
        return off((*branch.arc, FORTUNE[mood]), target[: n + 1])

    return sorted(fits, key=cost)[:width]


def _told(story: Story, found: pen.Fitting, left: int, seed: int) -> Written | None:
    """A move as the story's next scene; None if the world does not allow it."""
    state = story.state()
    tale, dice = Tale(state, Note.from_json(state.plan)), Dice("plan", seed, found.move.name)
    asked = WriteRequest(state=state, seed=seed, left=left)
    try:
        return pen.tell(pen.from_move(found, dice), tale, Wish(), asked, dice)
    except pen.Impossible:
        return None
