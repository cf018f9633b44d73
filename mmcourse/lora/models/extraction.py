"""How a page is asked for as structure: with those who are known before it.

A story introduces everybody once, "Wren, a blue elephant", and calls them by their names from then
on. So a page alone cannot say that Wren is an elephant, and whoever is asked for it can only guess.
What stands before the page is what its reader would know who has read up to here:

    list characters, place and plot points as json: wren elephant, hazel fox: wren sat down.

Who comes in on the page itself is not told: it stands there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmcourse.storyworld.language.tell import Page
from mmcourse.storyworld.world import vocabulary as v

ASKED = "list characters, place and plot points as json:"


def introduced(page: Page) -> dict[str, str]:
    """Species by name of those whom a page introduces, in the order of their coming."""
    new = {who: value for who, attribute, value in page.facts
           if attribute == "species" and who in v.NAMES}  # fmt: skip
    return {name: new[name] for name in sorted(new, key=page.text.find)}


def known_after(pages: Sequence[Page]) -> dict[str, str]:
    """Species by name of those who are known once these pages of a story were read, in the order of
    their coming."""
    return {name: species for page in pages for name, species in introduced(page).items()}


def extract_prompt(text: str, known: Mapping[str, str]) -> str:
    """What is asked for the structure of a page, in lower case as the models' words are.

    Args:
        text: of the page.
        known: species by name of those who are known before it, in the order of their coming.
    """
    who = ", ".join(f"{name} {species}" for name, species in known.items())
    return f"{ASKED} {who}{who and ': '}{text}".lower()
