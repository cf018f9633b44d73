"""What was made for a reader and is not part of a story: uploads, views, sounds, copies.

It stays in memory, within a bound, under a name that nobody can guess, and only the reader for
whom it was made can fetch it.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass

MOST_BYTES = 64_000_000
"""Of all readers together; the oldest go first."""


@dataclass(frozen=True)
class Thing:
    """Some bytes: whose they are, what they are, and what a download of them is called."""

    reader: str
    content: bytes
    mime: str
    name: str = ""


class Made:
    """Things by their names."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self.most = most
        self._things: dict[str, Thing] = {}
        self._lock = threading.Lock()

    def keep(self, reader: str, content: bytes, mime: str, name: str = "") -> str:
        """Keep a thing; its new name."""
        token = secrets.token_urlsafe(18)
        with self._lock:
            self._things[token] = Thing(reader, content, mime, name)
            while len(self._things) > 1 and self._bytes() > self.most:
                self._things.pop(next(iter(self._things)))
        return token

    def take(self, reader: str, token: str) -> Thing:
        """A reader's thing.

        Raises:
            ValueError: there is none of this name, or it is somebody else's.
        """
        with self._lock:
            thing = self._things.get(token)
        if thing is None or thing.reader != reader:
            raise ValueError("this is no longer here; make it once more")
        return thing

    def drop(self, reader: str, token: str) -> None:
        """Forget a reader's thing, if it is still here."""
        with self._lock:
            if token in self._things and self._things[token].reader == reader:
                del self._things[token]

    def _bytes(self) -> int:
        return sum(len(t.content) for t in self._things.values())
