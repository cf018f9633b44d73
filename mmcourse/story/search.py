"""Find scenes by their words."""

from __future__ import annotations

from dataclasses import dataclass

from mmcourse.story.library import Library
from mmcourse.story.story import Story


@dataclass(frozen=True)
class Hit:
    """A scene that a search found, with the place of the words: `snippet` has them between [ ]."""

    story: str
    scene: int
    snippet: str


def search_words(
    library: Library, words: str, reader: str = "", story: str = ""
) -> tuple[Hit, ...]:
    """Scenes whose text, as it stands now, has all these words; the best first.

    Args:
        library: where to look.
        words: any text; every word of it must be there, in any of its regular forms.
        reader: whose shelf.
        story: only this story, if given.
    """
    query = " ".join('"' + word.replace('"', '""') + '"' for word in words.split())
    if not query.strip('" '):
        return ()
    rows = library.database.rows(
        "SELECT w.story, w.scene, w.text, snippet(words, 0, '[', ']', '…', 12) FROM words w"
        " JOIN stories s ON s.id = w.story"
        " WHERE words MATCH ? AND s.reader = ? AND (? = '' OR s.id = ?) ORDER BY rank",
        *(query, reader, story, story),
    )
    opened: dict[str, Story] = {}
    hits: dict[tuple[str, int], Hit] = {}
    for id, scene, text, snippet in rows:
        if id not in opened:
            opened[id] = library.open(id, reader)
        node = opened[id].nodes.get(scene)
        if node is not None and node.text == text:  # not undone, and no older version
            hits.setdefault((id, scene), Hit(id, scene, snippet))
    return tuple(hits.values())
