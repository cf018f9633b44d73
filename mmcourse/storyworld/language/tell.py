"""Tell a story: a plot, a cast and a voice, chosen by (seed, split, index), become pages.

Each page has its text, a valid scene that shows it, and the facts that its text states.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mmcourse.storyworld.language.plots import PLOTS, Beat, Fork
from mmcourse.storyworld.language.plots.slots import Bound, fill
from mmcourse.storyworld.language.plots.staging import Stage
from mmcourse.storyworld.language.plots.voices import TRAITS, VOICES, Voice
from mmcourse.storyworld.world.facts import Fact
from mmcourse.storyworld.world.sampling import SPLITS, Dice
from mmcourse.storyworld.world.scene import Character, Scene


@dataclass(frozen=True)
class Page:
    """One scene of a story. `options` are the ways it could go on from here, `chosen` the one
    that it goes (empty where there is no choice)."""

    text: str
    scene: Scene
    facts: frozenset[Fact]
    options: tuple[str, ...] = ()
    chosen: str = ""


@dataclass(frozen=True)
class Story:
    """A story in pages. `goal` is what its hero wants; `cast` holds everyone as first seen."""

    title: str
    plot: str
    voice: str
    goal: str
    cast: tuple[Character, ...]
    pages: tuple[Page, ...]

    @property
    def text(self) -> str:
        """The pages' texts, with an empty line between two."""
        return "\n\n".join(page.text for page in self.pages)


def _walk(
    path: Sequence[Beat | Fork], dice: Dice, choices: list[str]
) -> list[tuple[Beat, tuple[str, ...], str]]:
    """The beats of one way through a plot, each with the options that open after it."""
    out: list[tuple[Beat, tuple[str, ...], str]] = []
    for step in path:
        if isinstance(step, Beat):
            out.append((step, (), ""))
            continue
        labels = [label for label, _ in step.options]
        label = choices.pop(0) if choices else dice.pick(labels)
        if label not in labels:
            raise ValueError(f"this story cannot go {label!r} here; choose one of {labels}")
        out[-1] = (out[-1][0], tuple(labels), label)
        out += _walk(dict(step.options)[label], dice, choices)
    return out


def _page(
    stage: Stage, beat: Beat, voice: Voice, known: dict[str, str], dice: Dice
) -> tuple[str, frozenset[Fact]]:
    """The words of a page. `known` holds what has been told so far and still holds."""
    bound = Bound({k: c.name for k, c in stage.cast.items()}, stage.things)
    lines = [dice.pick(line.split(" | ")) for line in beat.lines]
    told = " ".join(lines)
    parts: list[str] = []

    def say(line: str, letter: str = "") -> None:
        line = line.replace("{trait}", dice.pick(TRAITS))
        if letter:
            line = line.replace("{X", "{" + letter)
        parts.append(fill(line, stage.cast, bound, stage.setting, dice))

    if not known:
        say(dice.pick(voice.opening))
    else:
        for what, table in (
            ("place", voice.place),
            ("time", voice.time),
            ("weather", voice.weather),
        ):
            in_lines = "{" + what + "}" in told or "{=" + what in told
            if known[what] != stage.setting[what] and not in_lines:
                say(dice.pick(table))
    here = [state.split()[0] for state in beat.state.split(", ")]
    first = not known
    for letter in stage.cast:
        if letter not in known and letter in here and "{" + letter + ".look}" not in told:
            say(dice.pick(voice.hero if first and letter == "A" else voice.other), letter)
        if letter in here or "{" + letter + ".look}" in told:
            known[letter] = known.get(letter, "")
    for line in lines:
        say(line)
    hero = here[0]
    mood = stage.cast[hero].mood
    if "!mood}" not in told and known[hero] != mood:
        say(dice.pick(voice.mood), hero)
    for letter in here:
        known[letter] = stage.cast[letter].mood
    known.update(stage.setting)
    return " ".join(parts), frozenset(bound.facts)


def tell(index: int, split: str = "train", seed: int = 0, choices: Sequence[str] = (),
         style: str = "flat") -> Story:  # fmt: skip
    """Story `index` of a split: a pure function of its arguments.

    Args:
        index: which story.
        split: as for scenes; only "compositional" has heroes of held-out looks.
        seed: another seed, other stories.
        choices: labels to follow at the story's forks, in order; where they end, dice decide.
        style: how its pictures are drawn.

    Raises:
        ValueError: an unknown split, style or choice, or a negative index.
    """
    if split not in SPLITS:
        raise ValueError(f"split {split!r} does not exist; choose one of {SPLITS}")
    if index < 0:
        raise ValueError(f"index must be 0 or more, got {index}")
    dice = Dice("story", seed, split, index)
    plot, voice = dice.pick(PLOTS), dice.pick(VOICES)
    stage = Stage(plot, dice, split, style)
    first = dict(stage.cast)
    left = list(choices)
    way = _walk(plot.beats, dice, left)
    if left:
        raise ValueError(f"this story has no fork left for {left[0]!r}; give fewer choices")
    pages, known = list[Page](), dict[str, str]()
    for beat, options, chosen in way:
        scene = stage.show(beat)
        # Each page has dice of its own, so that another choice leaves the pages before it alone.
        text, facts = _page(stage, beat, voice, known, Dice("page", seed, split, index, len(pages)))
        pages.append(Page(text, scene, facts, options, chosen))
    last = Dice("ending", seed, split, index).pick(voice.ending)
    pages[-1] = replace(pages[-1], text=f"{pages[-1].text} {last}")
    bound = Bound({k: c.name for k, c in first.items()}, stage.things)
    title = fill(plot.title, stage.cast, bound, stage.setting, dice)
    goal = fill(plot.goal, stage.cast, bound, stage.setting, dice)
    goal = goal[0].lower() + goal[1:]
    return Story(title, plot.name, voice.name, goal, tuple(first.values()), tuple(pages))
