"""What is done at once: opening, leafing, undoing, marking, choosing, remembering, forgetting.

Each takes a storyteller of one reader and what the page sent, and gives plain data.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mmcourse.story import preferences
from mmcourse.story.app import shown
from mmcourse.story.framework import Storyteller
from mmcourse.story.story import Story

Data = dict[str, Any]
EVERY = {"each": 1, "every other": 2, "none": 0}
"""How many scenes get a picture: see `mmcourse.story.story.Settings`."""


def hello(teller: Storyteller, sent: Data) -> Data:
    """The first page: the shelf, what is liked, who can do what."""
    known = preferences.preferences(teller.library, teller.reader)
    return {
        "shelf": shown.shelf(teller),
        "likes": shown.likes(known),
        "abilities": abilities(teller),
    }


def abilities(teller: Storyteller) -> Data:
    """Who does what, or why nobody does."""
    from mmcourse.story.abilities import ABILITIES

    titles = {b.name: b.title for b in teller.team.backends}
    out: Data = {}
    for name in ABILITIES:
        try:
            credit = shown.credit(teller.team.who(name)[1], titles)
            out[name] = {"who": credit["who"], "why": ""}
        except ValueError as error:
            out[name] = {"who": "", "why": str(error)}
    return out


def read(teller: Storyteller, sent: Data) -> Data:
    """How everyday words are read, while they are typed."""
    from mmcourse.story.grammar.wish import read_wish
    from mmcourse.story.naming import Table, swapped
    from mmcourse.story.naming_typed import played

    said, table = played(str(sent.get("text", ""))[:500], Table({}), set())
    try:
        notes = read_wish(said, None).notes
    except ValueError as error:
        return {"text": swapped(str(error), table.back), "ok": False}
    text = swapped(" ".join(notes), table.back)
    return {"text": text, "ok": "does not exist" not in text}


def open_story(teller: Storyteller, sent: Data) -> Data:
    """A story from the shelf."""
    return _story(teller, teller.open(str(sent["story"])))


def undo(teller: Storyteller, sent: Data) -> Data:
    """The last step back."""
    return _story(teller, teller.undo(teller.open(str(sent["story"]))))


def redo(teller: Storyteller, sent: Data) -> Data:
    """Forward again."""
    return _story(teller, teller.redo(teller.open(str(sent["story"]))))


def go(teller: Storyteller, sent: Data) -> Data:
    """To another scene of the tree."""
    story = teller.open(str(sent["story"]))
    return _story(teller, teller.branch(story, int(sent["scene"])))


def mark(teller: Storyteller, sent: Data) -> Data:
    """A moment to be remembered; no note takes the mark away."""
    story, note = teller.open(str(sent["story"])), sent.get("note")
    note = None if note is None else str(note)[:500]
    return _story(teller, teller.mark(story, int(sent["scene"]), note))


def choose(teller: Storyteller, sent: Data) -> Data:
    """Title, style, voice, tone, number of pictures for what comes; style and voice are learned."""
    story = teller.open(str(sent["story"]))
    changes: Data = {
        name: str(sent[name])[:200] for name in ("title", "style", "voice", "tone") if name in sent
    }
    if "every" in sent:
        changes["settings"] = replace(story.settings, every=int(sent["every"]))
    story = teller.choose(story, **changes)
    for name in ("style", "voice"):
        if changes.get(name):
            preferences.learn(teller.library, name, changes[name], teller.reader)
    return _story(teller, story)


def erase(teller: Storyteller, sent: Data) -> Data:
    """A story off the shelf, for good."""
    teller.library.erase(str(sent["story"]), teller.reader)
    return {"shelf": shown.shelf(teller)}


def search(teller: Storyteller, sent: Data) -> Data:
    """Scenes of all of a reader's stories that have all these words."""
    words = str(sent.get("words", ""))[:500]
    titles = {s.id: s.title for s in teller.library.stories(teller.reader)}
    hits = teller.search_words(words)[:50]
    return {
        "hits": [
            {"story": h.story, "title": titles[h.story], "scene": h.scene, "snippet": h.snippet}
            for h in hits
        ]
    }


def context(teller: Storyteller, sent: Data) -> Data:
    """What the writer would be told now: what is remembered, what is dropped, why."""
    found = teller.context(teller.open(str(sent["story"])), str(sent.get("text", "")))
    rows = [(True, i) for i in found.kept] + [(False, i) for i in found.dropped]
    return {
        "budget": found.budget,
        "tokens": found.tokens,
        "items": [
            {"kept": kept, "kind": i.kind, "text": i.text, "tokens": i.tokens, "why": i.why,
             "scene": i.scene}
            for kept, i in rows
        ],
    }  # fmt: skip


def tell(teller: Storyteller, sent: Data) -> Data:
    """Keep what a reader likes; null forgets it."""
    told = {str(k): x for k, x in dict(sent.get("likes") or {}).items()}
    if len(json.dumps(told)) > 2000:
        raise ValueError("this is too long to be remembered")
    return shown.likes(preferences.tell(teller.library, teller.reader, **told))


def take_likes(teller: Storyteller, sent: Data) -> Data:
    """All that is known of a reader, to take along."""
    return {"text": preferences.preferences(teller.library, teller.reader).to_json()}


def forget(teller: Storyteller, sent: Data) -> Data:
    """Forget what a reader likes."""
    preferences.erase(teller.library, teller.reader)
    return shown.likes(preferences.preferences(teller.library, teller.reader))


def _story(teller: Storyteller, story: Story) -> Data:
    return {"story": shown.story(teller, story)}


QUICK: dict[str, Callable[[Storyteller, Data], Data]] = {
    "hello": hello,
    "read": read,
    "open": open_story,
    "undo": undo,
    "redo": redo,
    "go": go,
    "mark": mark,
    "choose": choose,
    "erase": erase,
    "search": search,
    "context": context,
    "tell": tell,
    "take-likes": take_likes,
    "forget": forget,
}
