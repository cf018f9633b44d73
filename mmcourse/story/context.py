"""What a writer is told of the story so far, within a budget, and what had to be left out.

A context is a list of items, each with its kind, its cost in tokens and the reason why it is in or
out. So it can be looked at: what was remembered, what was dropped, why.
"""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("style", "present", "place", "promise", "marked", "last turns", "retrieved", "earlier")
"""The kinds of items in the order of their right to stay."""


@dataclass(frozen=True)
class Item:
    """One thing to be remembered.

    kind: one of `KINDS`. text: what the writer is told. tokens: what it costs. scene: where it
    comes from (0 for none). why: the reason why it is kept, or left out.
    """

    kind: str
    text: str
    tokens: int
    scene: int
    why: str


@dataclass(frozen=True)
class Context:
    """What was remembered, in the order of telling, and what was dropped."""

    budget: int
    kept: tuple[Item, ...] = ()
    dropped: tuple[Item, ...] = ()

    @property
    def text(self) -> str:
        """What the writer is told."""
        return "\n".join(item.text for item in self.kept)

    @property
    def tokens(self) -> int:
        """What it costs, at most `budget`."""
        return sum(item.tokens for item in self.kept)

    def lines(self) -> tuple[str, ...]:
        """One line an item, kept ones first: to be shown, and stored with the scene."""
        kept = (f"kept {i.kind} ({i.tokens}): {i.text} [{i.why}]" for i in self.kept)
        dropped = (f"dropped {i.kind} ({i.tokens}): {i.text} [{i.why}]" for i in self.dropped)
        return (*kept, *dropped)
