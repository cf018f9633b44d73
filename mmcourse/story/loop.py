"""The loop: write, read back, draw, check, draw again within a bound, record.

It is a generator of events, so that an app can show what happens and stop it: closing the generator
ends the work at its next yield, and nothing is recorded before the last event. What is recorded, is
recorded in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mmcourse.story.abilities import (
    CheckRequest,
    Credit,
    Drawn,
    DrawRequest,
    Extracted,
    ExtractRequest,
    Finding,
    WriteRequest,
    Written,
)
from mmcourse.story.consistency import contradictions
from mmcourse.story.context import build
from mmcourse.story.facts import Fact
from mmcourse.story.library import Library
from mmcourse.story.memory import reference
from mmcourse.story.pixels import picture_hash, to_png
from mmcourse.story.safety import HELD_BACK, faults, safety_of
from mmcourse.story.staging import in_style, in_words, people
from mmcourse.story.state import State
from mmcourse.story.steps import scene as scene_step
from mmcourse.story.story import Node, Picture, Story
from mmcourse.story.team import Team

if TYPE_CHECKING:
    from PIL.Image import Image

KINDS = ("writing", "text", "written", "reading", "drawing", "drawn", "checked", "recorded", "note")


@dataclass(frozen=True)
class Event:
    """A sign of progress.

    kind: one of `KINDS`; "recorded" is always the last.
    message: what is happening, for the reader ("Drawing the scene, try 2 of 3").
    share: how much of the whole is done, 0 to 1, never falling.
    text: new words, for "text".
    picture: a picture, for "drawn" (it may still be drawn again).
    findings: what the checker found, for "checked".
    credit: who did it.
    story: the story after it, for "recorded".
    """

    kind: str
    message: str = ""
    share: float = 0.0
    text: str = ""
    picture: Image | None = None
    findings: tuple[Finding, ...] = ()
    credit: Credit | None = None
    story: Story | None = None


@dataclass(frozen=True)
class Sheet:
    """All that an illustrator is told, and what the picture is held against.

    facts: what the text says. alt: the picture in words. tries: how often it may be drawn.
    """

    request: DrawRequest
    facts: tuple[Fact, ...] = ()
    alt: str = ""
    tries: int = 2
    hashes: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True)
class Finished:
    """A checked picture: its record, and the PNG bytes of it and of every failed try."""

    picture: Picture
    files: tuple[bytes, ...]


def draw_checked(
    team: Team, sheet: Sheet, begin: float = 0.0, end: float = 1.0
) -> Iterator[Event | Finished]:
    """Draw, check, and draw again with another seed until it passes or the tries are used up.

    The picture with the fewest failed findings is kept (one that was held back only if all were);
    the others are recorded as failed tries.
    Yields events with shares from `begin` to `end`, and last the `Finished` picture.
    """
    illustrator, drawer = team.illustrator()
    checker, checked_by = team.checker(drawer.backend) if team.can("checker") else (None, None)
    done: list[Picture] = []
    files: list[bytes] = []
    for attempt in range(max(1, sheet.tries)):
        request = replace(sheet.request, seed=sheet.request.seed + attempt)
        again = f", try {attempt + 1} of {sheet.tries}" if attempt else ""
        low = begin + (end - begin) * (1 - 0.5**attempt)  # each try takes half of what is left
        high = begin + (end - begin) * (1 - 0.5 ** (attempt + 1))
        drawn: Drawn | None = None
        for progress in illustrator.draw(request):
            if isinstance(progress, Drawn):
                drawn = progress
                break
            share = low + (high - low) * min(1.0, max(0.0, progress))
            yield Event("drawing", f"Drawing{again}", share, credit=drawer)
        if drawn is None:
            raise ValueError(f"{drawer.backend} drew nothing; choose another illustrator")
        yield Event("drawn", f"Drawn{again}", high, picture=drawn.picture, credit=drawer)
        findings = safety_of(drawn)
        if checker is not None:
            findings = (*findings, *checker.check(_check(drawn, sheet)))
        if findings:
            wrong = [f.what for f in findings if not f.passed]
            message = f"Not right yet: {', '.join(wrong)}" if wrong else "Checked"
            yield Event("checked", message, high, findings=findings, credit=checked_by)
        png = to_png(drawn.picture)
        done.append(
            Picture(
                hash=picture_hash(png),
                prompt=request.prompt,
                seed=request.seed,
                size=drawn.picture.size,
                style=request.style,
                drawn=drawer,
                staging=request.staging if drawn.staged else "",
                view=request.view,
                references=sheet.hashes,
                findings=findings,
                checked=checked_by,
                safety=drawn.safety,
                alt=HELD_BACK if drawn.safety == "flagged" else sheet.alt,
            )
        )
        files.append(png)
        if done[-1].accepted:
            break
    best = min(range(len(done)), key=lambda i: faults(done[i]))
    failed = tuple(p for i, p in enumerate(done) if i != best)
    yield Finished(replace(done[best], failed=failed), tuple(files))


def _check(drawn: Drawn, sheet: Sheet) -> CheckRequest:
    asked = sheet.request
    return CheckRequest(drawn.picture, sheet.facts, asked.staging, asked.style, asked.references)


def written(team: Team, request: WriteRequest, end: float) -> Iterator[Event | Written]:
    """Have a scene written; its last value is the `Written`."""
    writer, credit = team.writer()
    yield Event("writing", "Writing", 0.0, credit=credit)
    whole = 0
    for piece in writer.write(request):
        if isinstance(piece, Written):
            yield piece
            return
        whole += len(piece)
        yield Event("text", "Writing", end * (1 - 1 / (1 + whole / 200)), text=piece, credit=credit)
    raise ValueError(f"{credit.backend} wrote nothing; choose another writer")


def read_back(team: Team, text: str, state: State, staging: str) -> tuple[Extracted, Credit | None]:
    """A text as structure, by whoever can; empty where nobody can."""
    if not team.can("extractor"):
        return Extracted(), None
    extractor, credit = team.extractor()
    return extractor.extract(ExtractRequest(text, state, staging)), credit


@dataclass(frozen=True)
class Told:
    """A scene as an illustrator needs it: its text, what the text says, how it looks, the style."""

    text: str
    facts: tuple[Fact, ...]
    staging: str
    style: str


def doubts(state: State, facts: Sequence[Fact]) -> tuple[str, ...]:
    """What of a scene contradicts the story so far, in words; nameless characters aside."""
    said = [f for f in facts if ":" not in f.subject]
    wrong = contradictions([f.triple for f in state.facts], [f.triple for f in said])
    return tuple(f"this contradicts what was told before: {said[i]}" for i in wrong)


def sheet_for(library: Library, story: Story, scene: Told, seed: int, at: int | None) -> Sheet:
    """What the illustrator of a scene is told: its text, staging, style and references to how
    those in it have looked so far along the path to `at`."""
    names = tuple(people(scene.staging)) or tuple(
        dict.fromkeys(f.subject for f in scene.facts if f.attribute == "at")
    )
    known = [reference(library, story, name, at) for name in names] if at else []
    alt = in_words(scene.staging, scene.text)
    request = DrawRequest(
        scene.text,
        in_style(scene.staging, scene.style),
        scene.style,
        story.settings.size,
        seed,
        tuple(r for r, _ in known),
    )
    hashes = tuple((r.name, h) for r, h in known if h)
    return Sheet(request, scene.facts, alt, story.settings.tries, hashes)


def next_scene(
    library: Library,
    team: Team,
    story: Story,
    request: WriteRequest,
    files: Sequence[bytes] = (),
    reader: str = "",
) -> Iterator[Event]:
    """Write, draw, check and record the scene that follows the current one.

    A story without an id is new: it is put on the shelf when its first scene is done. Nothing is
    recorded before the last event.

    Args:
        library: where the story lives.
        team: who does it.
        story: where it goes on; `request.state` and `request.context` are filled in from it.
        request: what to write.
        files: PNG bytes of pictures that the reader brought.
        reader: whose shelf a new story goes on.
    """
    at = story.current or None
    asked = request.choice.label if request.choice else request.prompt
    context = build(story, at, asked) if at else None
    state = story.state(at) if at else State()
    request = replace(request, state=state if at else None, context=context)
    every = story.settings.every
    drawn = every > 0 and len(story.path(at) if at else ()) % every == 0
    words: Written | None = None
    for piece in written(team, request, 0.3 if drawn else 0.9):
        if isinstance(piece, Written):
            words = piece
            break
        yield piece
    assert words is not None
    credits = [team.writer()[1]]
    yield Event("written", words.title or "Written", 0.3 if drawn else 0.9, text=words.text)
    found, read_by = read_back(team, words.text, state, words.staging)
    credits += [read_by] if read_by else []
    style = words.style or request.style or story.style or "flat"
    told = Told(words.text, words.facts or found.facts, words.staging or found.staging, style)
    notes = (*words.notes, *doubts(state, told.facts))
    for note in notes:
        yield Event("note", note, 0.3 if drawn else 0.9)
    pictures: tuple[Picture, ...] = ()
    if drawn:
        sheet = sheet_for(library, story, told, request.seed, at)
        for event in draw_checked(team, sheet, 0.35, 0.98):
            if isinstance(event, Finished):
                pictures, files = (event.picture,), (*files, *event.files)
                break
            yield event
    node = Node(
        id=0,
        parent=at,
        texts=(words.text,),
        pictures=pictures,
        facts=told.facts,
        found=found,
        choices=words.choices,
        asked=request.prompt,
        chosen=request.choice.label if request.choice else "",
        tone=words.tone or request.tone,
        voice=words.voice or request.voice,
        style=style,
        staging=told.staging,
        plan=words.plan,
        notes=notes,
        credits=tuple(credits),
        remembered=context.lines() if context else (),
    )
    if not at and not story.id:
        title = story.title or words.title or "A story"
        story = replace(story, title=title, style=style, voice=node.voice, tone=node.tone)
        story = library.begin(story, reader=reader)
    after = library.add(story, scene_step(node), files)
    yield Event("recorded", "Done", 1.0, story=after)
