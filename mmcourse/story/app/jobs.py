"""The jobs that a reader can give: telling, drawing, answering, searching, reading aloud."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

from mmcourse.story import preferences
from mmcourse.story.abilities import Hero, SpeakRequest
from mmcourse.story.app import shown
from mmcourse.story.app.copies import copy
from mmcourse.story.app.sound import wav
from mmcourse.story.app.work import Data, Desk, at_scene, told
from mmcourse.story.framework import Storyteller
from mmcourse.story.naming import clean_name
from mmcourse.story.staging import scene_of
from mmcourse.story.story import Settings

Job = Generator[Data, None, None]
VIEWS = {
    "from the left": {"pan": -0.7},
    "from the right": {"pan": 0.7},
    "nearer": {"zoom": 1.5},
    "walking round": {"angle": 0.6},
}
"""The views of a place that its map offers, beside the picture itself."""
SIZE = 512
"""The side of a page's picture: sharp on the paper of a desk's screen."""
FRAMES = 12


def start(desk: Desk, teller: Storyteller, job: Data) -> Job:
    """Begin a story; what was chosen for it is learned."""
    liked = {name: str(job.get(name) or "") for name in ("style", "voice", "tone")}
    chosen: dict[str, Any] = {name: value for name, value in liked.items() if value}
    settings = replace(Settings(), every=int(job.get("every", 1)), size=SIZE)
    events = teller.start(
        str(job.get("title") or ""),
        str(job.get("prompt") or ""),
        desk.picture(teller.reader, str(job.get("picture") or "")),
        hero_of(job.get("hero")),
        int(job.get("seed") or 0),
        settings=settings,
        **chosen,
    )
    yield from told(desk, teller, events)
    for name in ("style", "voice"):  # a tone follows the mood of the day, and is not kept
        if liked[name]:
            preferences.learn(desk.library, name, liked[name], teller.reader)


def go_on(desk: Desk, teller: Storyteller, job: Data) -> Job:
    """One more scene, after the one that the reader looks at."""
    story = at_scene(teller, job)
    choice = job.get("choice")
    events = teller.go_on(
        story,
        str(job.get("text") or ""),
        desk.picture(teller.reader, str(job.get("picture") or "")),
        None if choice is None else int(choice),
    )
    yield from told(desk, teller, events)


def redraw(desk: Desk, teller: Storyteller, job: Data) -> Job:
    """Another picture of the same scene."""
    story = teller.open(str(job["story"]))
    yield from told(desk, teller, teller.redraw(story, int(job["scene"])))


def restyle(desk: Desk, teller: Storyteller, job: Data) -> Job:
    """The whole book by another hand."""
    style = str(job["style"])
    yield from told(desk, teller, teller.restyle(teller.open(str(job["story"])), style))
    preferences.learn(desk.library, "style", style, teller.reader)


def visualise(desk: Desk, teller: Storyteller, job: Data) -> Job:
    """A portrait."""
    story = teller.open(str(job["story"]))
    yield from told(desk, teller, teller.visualise(story, str(job["name"])))


def edit(desk: Desk, teller: Storyteller, job: Data) -> Job:
    """Another text for a scene."""
    yield {"kind": "reading", "message": "Reading your words", "share": 0.3}
    story = teller.edit(teller.open(str(job["story"])), int(job["scene"]), str(job["text"]))
    yield {"kind": "recorded", "share": 1.0, "story": shown.story(teller, story)}


def ask(desk: Desk, teller: Storyteller, job: Data) -> Job:
    """A question about a scene."""
    yield {"kind": "reading", "message": "Looking", "share": 0.3}
    story = teller.open(str(job["story"]))
    which = str(job.get("which") or "picture")
    answer, credit = teller.ask(story, str(job["question"]), int(job["scene"]), which)
    titles = {b.name: b.title for b in teller.team.backends}
    yield {
        "kind": "answer",
        "text": answer.text,
        "known": answer.known,
        "because": answer.because,
        "credit": shown.credit(credit, titles),
    }


def mood(desk: Desk, teller: Storyteller, job: Data) -> Job:
    """How the reader feels; the face that they drew is forgotten at once."""
    yield {"kind": "reading", "message": "Looking", "share": 0.3}
    face = desk.picture(teller.reader, str(job.get("face") or ""))
    if job.get("face"):
        desk.made.drop(teller.reader, str(job["face"]))
    read, _ = teller.mood(str(job.get("told") or ""), str(job.get("text") or ""), face)
    yield {"kind": "mood", "mood": read.mood, "tone": read.tone, "because": read.because}


def hero(desk: Desk, teller: Storyteller, job: Data) -> Job:
    """Whom a drawing looks like: the nearest identity of the world."""
    from mmcourse.story.backends.drawn_hero import hero_from_drawing
    from mmcourse.story.backends.towers import Towers

    yield {"kind": "reading", "message": "Looking at your drawing", "share": 0.3}
    drawing = desk.picture(teller.reader, str(job.get("picture") or ""))
    if drawing is None:
        raise ValueError("there is no drawing yet; draw somebody, or bring a picture")
    encoder = teller.team.encoder()[0] if teller.team.can("encoder") else None
    guess = hero_from_drawing(drawing, encoder if isinstance(encoder, Towers) else None)
    yield {"kind": "hero", "name": guess.hero.name, "looks": dict(guess.hero.looks),
           "identity": list(guess.hero.identity), "others": list(guess.others)}  # fmt: skip


def view(desk: Desk, teller: Storyteller, job: Data) -> Job:
    """A scene from elsewhere."""
    story = teller.open(str(job["story"]))
    for i, (name, look) in enumerate(VIEWS.items()):
        seen = teller.view(story, int(job["scene"]), look, 256)
        token = desk.keep(teller.reader, seen)
        yield {"kind": "view", "name": name, "picture": token, "share": (i + 1) / len(VIEWS)}


def animate(desk: Desk, teller: Storyteller, job: Data) -> Job:
    """A scene's picture in motion, frame by frame."""
    from mmcourse.storyworld.drawing.animate import frame

    node = teller.open(str(job["story"])).node(int(job["scene"]))
    scene = scene_of(node.picture.staging if node.picture else "")
    if scene is None or node.picture is None:
        raise ValueError("only pictures of the world can be set in motion")
    scene = replace(scene, style=node.picture.style)
    for i in range(FRAMES):  # one at a time, so that it can be stopped
        yield {"kind": "drawing", "message": "Setting it in motion", "share": i / FRAMES}
        token = desk.keep(teller.reader, frame(scene, str(job.get("move")), i, FRAMES, 320))
        yield {"kind": "frame", "picture": token, "share": (i + 1) / FRAMES}


def speak(desk: Desk, teller: Storyteller, job: Data) -> Job:
    """A scene read aloud, a stretch at a time, with the place of every word."""
    text = teller.open(str(job["story"])).node(int(job["scene"])).text
    narrator, credit = teller.team.narrator()
    request = SpeakRequest(text, float(job.get("pace") or 1.0))
    yield {"kind": "reading", "message": f"{credit.backend} clears its throat", "share": 0.0}
    for spoken in narrator.speak(request):
        words = [[w.start, w.end, w.begins, w.ends] for w in spoken.words]
        token = desk.made.keep(teller.reader, wav(spoken.samples, spoken.rate), "audio/wav")
        share = (spoken.words[-1].end / len(text)) if spoken.words and text else 1.0
        yield {"kind": "spoken", "sound": token, "words": words, "share": share}


def find(desk: Desk, teller: Storyteller, job: Data) -> Job:
    """The pictures of a story that are most like words or a picture."""
    yield {"kind": "reading", "message": "Leafing through the pictures", "share": 0.3}
    story = teller.open(str(job["story"]))
    query = desk.picture(teller.reader, str(job.get("picture") or "")) or str(job.get("words", ""))
    found = teller.search_pictures(story, query, 6)
    yield {"kind": "found", "hits": [{"scene": r.seen.scene, "hash": r.seen.picture.hash,
           "alt": r.seen.picture.alt, "similarity": r.similarity} for r in found]}  # fmt: skip


def hero_of(data: Data | None) -> Hero | None:
    """A hero as the page sends it.

    Raises:
        ValueError: looks that the world does not have, or a name that is too long.
    """
    if not data:
        return None
    from mmcourse.storyworld.world.scene import Character

    given = dict(data.get("looks") or {})
    looks = {k: str(given[k]) for k in ("species", "colour", "accessory") if k in given}
    identity = tuple(float(x) for x in data.get("identity") or ())
    name = clean_name(str(data.get("name") or "Pip"))
    Character(**{"species": "", "colour": "", **looks}, identity=identity)
    return Hero(name, looks, identity)


JOBS: dict[str, Callable[[Desk, Storyteller, Data], Job]] = {
    "start": start,
    "go on": go_on,
    "redraw": redraw,
    "restyle": restyle,
    "visualise": visualise,
    "edit": edit,
    "ask": ask,
    "mood": mood,
    "hero": hero,
    "views": view,
    "animate": animate,
    "speak": speak,
    "find": find,
    "copy": copy,
}
