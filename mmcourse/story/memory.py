"""Visual memory: how everybody and every place has looked, along the path that the reader is on.

Nothing is stored for it: the pictures are the scenes' and portraits', the rest follows from their
records. So what was undone, or belongs to another branch, is not remembered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmcourse.story.abilities import Encoder, Reference
from mmcourse.story.library import Library
from mmcourse.story.staging import boxes, people
from mmcourse.story.story import Picture, Story
from mmcourse.story.tree import first_picture
from mmcourse.story.vectors import embedding, keep_embeddings, nearest_on_path

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class Seen:
    """A picture that memory holds: of which scene, who is in it, and where it is."""

    scene: int
    picture: Picture
    people: tuple[str, ...]
    place: str


@dataclass(frozen=True)
class Recalled:
    """A picture that a query brought back, with its similarity (cosine, -1 to 1)."""

    seen: Seen
    similarity: float


def album(story: Story, id: int | None = None) -> tuple[Seen, ...]:
    """Every picture along a path in the order of the story: scenes, then portraits of that scene.
    Earlier versions come before later ones."""
    return tuple(_album(story, id))


def _album(story: Story, id: int | None) -> Iterator[Seen]:
    path = story.path(id)
    for i, node in enumerate(path):
        state = story.state(path[i].id)
        place = state.value("scene", "place")
        for picture in node.pictures:
            names = tuple(people(picture.staging)) or state.present()
            yield Seen(node.id, picture, names, place)
        for p in story.portraits:
            if p.scene == node.id:
                yield Seen(node.id, p.picture, (p.name,), place)


def first_seen(story: Story, name: str, id: int | None = None) -> Seen | None:
    """The first accepted picture of somebody along a path: what all later ones are held against."""
    found = album(story, id)
    seen = [(s.scene, s.people, s, s.picture.accepted) for s in found]
    return first_picture(story.parents, seen, name, found[-1].scene) if found else None


def reference(
    library: Library, story: Story, name: str, id: int | None = None
) -> tuple[Reference, str]:
    """How somebody looks: their first accepted picture with their looks at a scene, and its hash.
    Without a picture, looks and identity alone (hash "")."""
    state = story.state(id)
    looks = {k: x for k, x in state.looks(name).items() if k != "identity"}
    seen = first_seen(story, name, id)
    if seen is None:
        return Reference(name, looks=looks, identity=state.identity(name)), ""
    picture = seen.picture
    box = boxes(picture.staging).get(name) if not picture.view else None
    found = Reference(
        name, library.picture(picture.hash), box, picture.staging, looks, state.identity(name)
    )
    return found, picture.hash


def vectors(library: Library, encoder: Encoder, seen: tuple[Seen, ...]) -> np.ndarray:
    """(N, D) float32: the pictures' vectors, computed once and kept."""
    known = {s.picture.hash: embedding(library, s.picture.hash, encoder.name) for s in seen}
    new = [name for name, vector in known.items() if vector is None]
    if new:
        made = encoder.pictures([library.picture(name) for name in new])
        known.update(zip(new, made, strict=True))
        keep_embeddings(library, encoder.name, dict(zip(new, made, strict=True)))
    return np.stack([known[s.picture.hash] for s in seen])  # type: ignore[misc]


def recall(
    library: Library,
    encoder: Encoder,
    story: Story,
    query: str | Image,
    k: int = 3,
    id: int | None = None,
) -> tuple[Recalled, ...]:
    """The pictures along a path that are most like words or a picture, the likest first.

    Only the version of a scene's picture that is shown counts.
    """
    path = story.path(id)
    shown = {n.picture.hash for n in path if n.picture}
    found = tuple(s for s in album(story, id) if s.picture.hash in shown)
    if not found:
        return ()
    asked = encoder.texts([query]) if isinstance(query, str) else encoder.pictures([query])
    rows, scenes = vectors(library, encoder, found), [s.scene for s in found]
    best = nearest_on_path(asked[0], rows, scenes, [n.id for n in path], k)
    return tuple(Recalled(found[i], similarity) for i, similarity in best)
