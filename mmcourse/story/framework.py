"""The storyteller: stories of one reader, told by a team, kept in a library.

    teller = Storyteller(Library("stories.db"), default_team())
    story = run(teller.start("", "a fox finds a lantern on the beach"))
    story = run(teller.go_on(story, choice=0))

What may last is a generator of events whose last one holds the story (`craft.run` waits for it);
closing it stops the work, and nothing is recorded. Everything else returns the story at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mmcourse.story import steps
from mmcourse.story.abilities import (
    Captioned,
    Choice,
    Credit,
    Hero,
    WriteRequest,
)
from mmcourse.story.backends import default_team as default_team
from mmcourse.story.craft import run as run
from mmcourse.story.loop import Event, next_scene, read_back
from mmcourse.story.pixels import picture_hash, to_png
from mmcourse.story.reading import Reading
from mmcourse.story.redraw import redraw, restyle, visualise
from mmcourse.story.story import Settings, Story
from mmcourse.story.team import Team
from mmcourse.storyworld.world.vocabulary import STYLES

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PROMPT = 2_000
MAX_SCENES = 200
MAX_TITLE = 200


class Storyteller(Reading):
    """Tells stories.

    Args:
        library: where they are kept.
        team: who writes, draws, reads.
        reader: whose they are.
    """

    # -- telling ---------------------------------------------------------------------------------

    def start(
        self,
        title: str = "",
        prompt: str = "",
        picture: Image | None = None,
        hero: Hero | None = None,
        seed: int = 0,
        left: int | None = None,
        **chosen: object,
    ) -> Iterator[Event]:
        """Begin a story.

        Args:
            title: its title; empty lets the writer choose.
            prompt: what it is about, in everyday words; may be empty.
            picture: a picture that it begins in.
            hero: the reader's own hero.
            seed: the same seed tells the same story.
            left: how many scenes will follow; None for an open end.
            chosen: `style`, `voice`, `tone`, `settings`.

        Raises:
            ValueError: a prompt that is too long or cannot be read, in one line.
        """
        _check_length(prompt)
        _check_choices(self.team, {"title": title, **chosen})
        story = replace(
            Story("", title.strip(), prompt, seed, hero, settings=Settings()),
            **{k: x for k, x in chosen.items() if x},  # type: ignore[arg-type]
        )
        files, seen = self._brought(picture)
        if picture is not None:
            story = replace(story, source=picture_hash(files[0]))
        request = WriteRequest(
            "start",
            prompt,
            seen=seen,
            hero=hero,
            tone=story.tone,
            voice=story.voice,
            style=str(chosen.get("style", "")),
            seed=seed,
            left=left,
        )
        return next_scene(self.library, self.team, story, request, files, self.reader)

    def go_on(
        self,
        story: Story,
        text: str = "",
        picture: Image | None = None,
        choice: Choice | int | None = None,
        tone: str | None = None,
        left: int | None = None,
    ) -> Iterator[Event]:
        """Go on from the current scene, by a text, a picture, one of the proposed ways, or as the
        writer likes.

        Raises:
            ValueError: a way that was not proposed, or a text that cannot be read.
        """
        _check_length(text)
        node = story.node(story.current)
        if len(story.path()) >= MAX_SCENES:
            raise ValueError(f"a story has at most {MAX_SCENES} scenes; begin a new one")
        if isinstance(choice, int):
            if not 0 <= choice < len(node.choices):
                raise ValueError(
                    f"there is no way {choice} from here; there are {len(node.choices)} (from 0)"
                )
            choice = node.choices[choice]
        files, seen = self._brought(picture)
        request = WriteRequest(
            "continue",
            text,
            choice=choice,
            seen=seen,
            hero=story.hero,
            tone=story.tone if tone is None else tone,
            voice=story.voice,
            style=story.style,
            seed=story.seed + 1000 * story.step,
            left=left,
        )
        return next_scene(self.library, self.team, story, request, files, self.reader)

    def tell(self, prompt: str, scenes: int = 5, title: str = "", **options: object) -> Iterator[
        Event
    ]:  # fmt: skip
        """A whole story with pictures: one event after another; `share` is of the whole.

        Args:
            prompt: what it is about.
            scenes: how many, 1 to 200.
            title: its title; empty lets the writer choose.
            options: as for `start`.
        """
        if not isinstance(scenes, int) or not 1 <= scenes <= MAX_SCENES:
            raise ValueError(f"a story has 1 to {MAX_SCENES} scenes, got {scenes}")
        story: Story | None = None
        for i in range(scenes):
            left = scenes - 1 - i
            if story is None:
                events = self.start(title, prompt, left=left, **options)  # type: ignore[arg-type]
            else:
                events = self.go_on(story, left=left)
            for event in events:
                story = event.story or story
                yield replace(event, share=(i + event.share) / scenes)

    def _brought(self, picture: Image | None) -> tuple[tuple[bytes, ...], Captioned | None]:
        """A reader's picture, as PNG bytes and in words.

        Raises:
            ValueError: no PIL picture, or one without pixels.
        """
        if picture is not None and not (hasattr(picture, "convert") and all(picture.size)):
            raise ValueError(
                f"the picture is a {type(picture).__name__} that shows nothing; give a PIL picture "
                "(mmcourse.pictures.load_picture reads files and arrays)"
            )
        if picture is None:
            return (), None
        seen, credit = self.caption(picture)
        return (to_png(picture),), replace(seen, how=f"{credit.backend}: {seen.how}")

    # -- pictures --------------------------------------------------------------------------------

    def redraw(self, story: Story, scene: int | None = None) -> Iterator[Event]:
        """Draw a scene's picture again, with another seed. The old one stays in its record."""
        return redraw(self.library, self.team, story, scene or story.current)

    def restyle(self, story: Story, style: str) -> Iterator[Event]:
        """Draw every picture of the book in another style, in one step; identities are kept.

        Raises:
            ValueError: a style that does not exist, or a story without pictures.
        """
        _check_choices(self.team, {"style": style})
        return restyle(self.library, self.team, story, style)

    def visualise(self, story: Story, name: str, scene: int | None = None) -> Iterator[Event]:
        """Draw a portrait of a character, as they are in a scene."""
        return visualise(self.library, self.team, story, name, scene or story.current)

    def export(self, story: Story, path: str | Path, kind: str = "", **options: object) -> Path:
        """Write a copy of the story along the current path, with its gallery of characters.

        Args:
            story: which.
            path: the file; its ending says the kind: zip, html, epub, pdf, gif, mp4.
            kind: another kind than the ending says.
            options: as for `mmcourse.story.export.export`, such as a narration.
        """
        written = import_module("mmcourse.story.export").export(
            story, self.library, path, kind, **options
        )
        return Path(written)

    # -- moving about and changing ---------------------------------------------------------------

    def branch(self, story: Story, scene: int) -> Story:
        """Go to a scene; what is told next grows there, beside what is there already."""
        return self.library.add(story, steps.go(story.node(scene).id))

    def edit(self, story: Story, scene: int, text: str) -> Story:
        """Give a scene another text; it is read again, and older versions stay.

        Raises:
            ValueError: an empty text, or one that is too long.
        """
        if not text.strip():
            raise ValueError("a scene needs a text; undo takes a scene away")
        _check_length(text, 4 * MAX_PROMPT)
        before = story.state(story.node(scene).parent) if story.node(scene).parent else None
        found, credit = read_back(self.team, text, before or story.state(scene), "")
        by = credit or Credit("writer", "reader")
        return self.library.add(story, steps.edit(scene, text, found.facts, found, by))

    def mark(self, story: Story, scene: int, note: str | None = "") -> Story:
        """Mark a moment, so that it is remembered; None takes the mark away.

        Raises:
            ValueError: a note that is too long or cannot be written.
        """
        _check_length(note or "")
        return self.library.add(story, steps.mark(scene, note))

    def choose(self, story: Story, **changes: object) -> Story:
        """Another title, style, voice, tone or settings for what comes.

        Raises:
            ValueError: one that does not exist.
        """
        _check_choices(self.team, changes)
        return self.library.add(story, steps.choose(**changes))

    def undo(self, story: Story) -> Story:
        """Take the last step back.

        Raises:
            ValueError: this is how the story began.
        """
        if not self.can_undo(story):
            raise ValueError("there is nothing to undo: this is how the story began")
        return self.library.undo(story)

    def can_undo(self, story: Story) -> bool:
        """Whether there is a step to take back: the first scene stays."""
        first = min(story.nodes, default=story.step)
        return story.step > first

    def redo(self, story: Story) -> Story:
        """Do again what was undone."""
        return self.library.redo(story)


def _check_length(text: str, most: int = MAX_PROMPT) -> None:
    if not isinstance(text, str):
        raise ValueError(f"a text is a str, got {type(text).__name__}")
    if len(text) > most:
        raise ValueError(f"this text has {len(text)} characters, at most {most} can be read")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("this text holds half a character, which no file can keep; type it anew")


def _check_choices(team: Team, chosen: Mapping[str, object]) -> None:
    """Refuse what the next scene could not be told or drawn with."""
    title, style = str(chosen.get("title") or ""), chosen.get("style")
    if len(title) > MAX_TITLE or not title.isprintable():
        raise ValueError(f"a title is one line of at most {MAX_TITLE} characters")
    if style and style not in STYLES:
        raise ValueError(f"there is no style {style!r}; choose one of {', '.join(STYLES)}")
    if team.writer()[1].backend == "world":
        from mmcourse.story.grammar.telling import voice_called
        from mmcourse.storyworld.world.dice import Dice

        voice_called(str(chosen.get("voice") or ""), str(chosen.get("tone") or ""), Dice(0))
