"""What a reader likes: told, or learned from their choices; seen, exported and erased at will."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field

from mmcourse.story.library import Library

LEARNED = "learned"
TOLD = ("style", "voice", "tone", "every", "size", "pace")
"""What a reader may tell. `style`, `voice` and `tone` are learned as well."""


@dataclass(frozen=True)
class Preferences:
    """told: what the reader said. counts: how often they chose each value of "style", "voice" and
    "tone"."""

    told: dict[str, object] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    def best(self, name: str) -> str:
        """What to offer first: what was told, else what was chosen most often (at least twice),
        else ""."""
        if name in self.told:
            return str(self.told[name])
        often = Counter(self.counts.get(name, {})).most_common(1)
        return often[0][0] if often and often[0][1] >= 2 else ""

    def to_json(self) -> str:
        """Everything that is known, for the reader to take along."""
        return json.dumps({"told": self.told, "counts": self.counts}, indent=2, ensure_ascii=False)


def preferences(library: Library, reader: str = "") -> Preferences:
    """What is known of a reader."""
    rows = library.database.rows("SELECT name, value FROM preferences WHERE reader = ?", reader)
    known = {name: json.loads(value) for name, value in rows}
    counts = known.pop(LEARNED, {})
    return Preferences(known, counts)


def tell(library: Library, reader: str = "", **told: object) -> Preferences:
    """Keep what a reader said; None forgets it.

    Raises:
        ValueError: a preference that does not exist.
    """
    unknown = sorted(set(told) - set(TOLD))
    if unknown:
        raise ValueError(f"there is no preference {unknown[0]!r}; there are {', '.join(TOLD)}")
    with library.database.transaction() as db:
        for name, value in told.items():
            if value is None:
                db.execute("DELETE FROM preferences WHERE reader = ? AND name = ?", (reader, name))
            else:
                values = (reader, name, json.dumps(value, allow_nan=False))
                db.execute("INSERT OR REPLACE INTO preferences VALUES (?, ?, ?)", values)
    return preferences(library, reader)


def learn(library: Library, name: str, value: str, reader: str = "") -> Preferences:
    """Count one choice of a reader's: `learn(library, "style", "neon")`."""
    with library.database.transaction() as db:
        counts = preferences(library, reader).counts
        mine = counts.setdefault(name, {})
        mine[value] = mine.get(value, 0) + 1
        values = (reader, LEARNED, json.dumps(counts))
        db.execute("INSERT OR REPLACE INTO preferences VALUES (?, ?, ?)", values)
    return preferences(library, reader)


def erase(library: Library, reader: str = "") -> None:
    """Forget all of it."""
    with library.database.transaction() as db:
        db.execute("DELETE FROM preferences WHERE reader = ?", (reader,))
