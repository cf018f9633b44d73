"""A story as the page needs it: plain data, of which the page makes text and never markup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from mmcourse.story.abilities import Credit, Finding
from mmcourse.story.facts import Fact
from mmcourse.story.framework import Storyteller
from mmcourse.story.loop import Event
from mmcourse.story.preferences import Preferences
from mmcourse.story.staging import boxes, people, square_around
from mmcourse.story.state import State
from mmcourse.story.story import Node, Picture, Story

Data = dict[str, Any]


def shelf(teller: Storyteller) -> list[Data]:
    """A reader's stories, the last changed first."""
    return [
        {"id": s.id, "title": s.title, "scenes": s.scenes, "cover": s.cover, "changed": s.changed}
        for s in teller.library.stories(teller.reader)
    ]


def story(teller: Storyteller, told: Story) -> Data:
    """A story: its tree, and what is true where the reader is."""
    state = told.state()
    titles = {b.name: b.title for b in teller.team.backends}
    return {
        "id": told.id,
        "title": told.title,
        "style": told.style,
        "voice": told.voice,
        "tone": told.tone,
        "every": told.settings.every,
        "current": told.current,
        "path": [n.id for n in told.path()],
        "canUndo": teller.can_undo(told),
        "canRedo": teller.library.can_redo(told),
        "nodes": {str(n.id): node(told, n, titles) for n in told.nodes.values()},
        "people": [person(told, state, name, titles) for name in state.characters],
        "ties": [_dated(f) for f in state.ties()],
        "places": [
            {"name": p.name, "exits": list(p.exits), "scenes": list(p.scenes)}
            for p in state.places()
        ],
        "promises": [
            {"who": p.who, "what": p.what, "made": p.made, "kept": p.kept, "broken": p.broken}
            for p in state.promises()
        ],
        "goals": [_dated(f) for f in state.goals()],
        "ledger": {part: [_dated(f) for f in facts if f.attribute != "identity"]
                   for part, facts in state.ledger().items() if part != "names"},
    }  # fmt: skip


def node(told: Story, n: Node, titles: Mapping[str, str]) -> Data:
    """One scene."""
    return {
        "id": n.id,
        "parent": n.parent,
        "children": [c.id for c in told.children(n.id)],
        "text": n.text,
        "texts": list(n.texts[:-1]),
        "picture": picture(n.picture, titles) if n.picture else None,
        "pictures": [picture(p, titles) for p in n.pictures[:-1]],
        "choices": [{"label": c.label, "reason": c.reason} for c in n.choices],
        "asked": n.asked,
        "chosen": n.chosen,
        "tone": n.tone,
        "voice": n.voice,
        "notes": list(n.notes),
        "credits": [credit(c, titles) for c in n.credits],
        "remembered": list(n.remembered),
        "marked": n.marked,
        "moves": list(moves(n)),
        "found": {
            "characters": [c.name for c in n.found.characters],
            "settings": [" ".join(filter(None, (s.place, s.time, s.weather)))
                         for s in n.found.settings],
            "points": [p.text or f"{p.who} {p.what} {p.to}".strip() for p in n.found.plot_points],
        },
    }  # fmt: skip


def picture(p: Picture, titles: Mapping[str, str]) -> Data:
    """A picture's record, in short."""
    return {
        "hash": p.hash,
        "alt": p.alt,
        "style": p.style,
        "seed": p.seed,
        "size": list(p.size),
        "drawn": credit(p.drawn, titles),
        "checked": credit(p.checked, titles) if p.checked else None,
        "findings": [finding(f) for f in p.findings],
        "failed": len(p.failed),
        "safety": p.safety,
    }


def person(told: Story, state: State, name: str, titles: Mapping[str, str]) -> Data:
    """A character sheet."""
    felt = groupby(state.history(name, "mood"), lambda f: f.value)
    moods = [
        {"mood": mood, "scenes": list(dict.fromkeys(f.scene for f in facts))}
        for mood, facts in felt
    ]
    return {
        "name": name,
        "looks": {k: x for k, x in state.looks(name).items() if k != "identity" and x != "none"},
        "mood": state.mood(name),
        "moods": moods,
        "holds": list(state.holds(name)),
        "portraits": [
            {"scene": p.scene, **picture(p.picture, titles)} for p in told.portraits_of(name)
        ],
        "seen": list(faces(told, name, titles)),
        "scenes": [i for i in state.scenes if name in state.present(i)],
    }


def faces(told: Story, name: str, titles: Mapping[str, str]) -> Iterator[Data]:
    """Where somebody's looks or mood have changed along the path: the scene's picture, and the
    square of it that shows them (left, top, side), in parts of its width."""
    before: tuple[str, str] | None = None
    for n in told.path():
        record = n.picture
        who = people(record.staging).get(name) if record else None
        if record is None or who is None or record.view or (who.accessory, who.mood) == before:
            continue
        box = boxes(record.staging).get(name)
        if box is None:  # hidden behind somebody
            continue
        before = (who.accessory, who.mood)
        crop = list(square_around(box))
        yield {**picture(record, titles), "scene": n.id, "crop": crop, "mood": who.mood}


def moves(n: Node) -> tuple[str, ...]:
    """The ways in which a scene's picture can be set in motion, best first."""
    staging = n.picture.staging if n.picture else ""
    if not staging:
        return ()
    from mmcourse.story.staging import scene_of

    scene = scene_of(staging)
    if scene is None:
        return ()
    actions = {c.action for c in scene.characters}
    busy = scene.interaction is not None and scene.interaction.kind != "follow"
    can = {
        "wave": "waving" in actions,
        "walk": not busy and actions == {"standing"},
        "fall": bool(scene.things),
        "sunset": True,
    }
    return tuple(kind for kind, able in can.items() if able)


def event(e: Event, titles: Mapping[str, str]) -> Data:
    """A sign of progress, without the picture and the story that it may carry."""
    out: Data = {"kind": e.kind, "message": e.message, "share": e.share}
    if e.text:
        out["text"] = e.text
    if e.findings:
        out["findings"] = [finding(f) for f in e.findings]
    if e.credit:
        out["credit"] = credit(e.credit, titles)
    return out


def credit(c: Credit, titles: Mapping[str, str]) -> Data:
    """Who did it, by the name that readers know, and why nobody else did. A pretrained model is
    called by its own name."""
    who = titles.get(c.backend, c.backend)
    model = f" ({c.revision})" if c.backend == "hub" and c.ability != "checker" else ""
    return {"ability": c.ability, "who": who + model, "why": c.why}


def finding(f: Finding) -> Data:
    """What a check found."""
    return {"what": f.what, "passed": f.passed, "expected": f.expected, "found": f.found}


def likes(known: Preferences) -> Data:
    """What is known of a reader."""
    best = {name: known.best(name) for name in ("style", "voice", "tone", "every", "pace")}
    return {"told": dict(known.told), "counts": known.counts, "best": best}


def _dated(f: Fact) -> Data:
    out = {"who": f.subject, "what": f.attribute, "value": f.value, "scene": f.scene}
    words = where(f.value) if f.attribute in ("place", "at") else f.words
    return {**out, "words": words} if words else out


def where(place: str) -> str:
    """A place as one would say it after its subject."""
    from mmcourse.storyworld.language.words import PLACE

    return f"is {PLACE[place][0] if place in PLACE else f'at the {place}'}"
