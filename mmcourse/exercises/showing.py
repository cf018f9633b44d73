"""Show something where the learner is: in a notebook's cell, or in the terminal."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any


@dataclass
class Card:
    """Text, the same as HTML, and metadata for whoever reads an executed notebook."""

    text: str
    html: str
    about: dict[str, Any]

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


def in_ipython() -> bool:
    """Whether an IPython shell or kernel is running."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


def show(card: Card) -> None:
    """Display the card in IPython, print it elsewhere."""
    if in_ipython():
        from IPython.display import display

        display(card, metadata=card.about)
        return
    encoding = sys.stdout.encoding or "utf-8"
    print(card.text.encode(encoding, errors="replace").decode(encoding))
