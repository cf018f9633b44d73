"""Whom a reader names: names in what they typed, and the same words for a world that knows others.

A name is what stands after "called", a capital that is no word of the world's or of everyday life,
what follows an animal ("my dog Rex"), a title with a name ("Grandpa Joe"), or what a sentence
begins with before it goes on with a verb ("mia finds a ball").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from mmcourse.story.grammar.everyday import CREATURES, mended
from mmcourse.story.naming import MOST, Table, clean_name, listed, swapped
from mmcourse.storyworld.language.lexicon import lexicon, read_prompt, stems
from mmcourse.storyworld.world import vocabulary as v

WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*|[^\w\s]")
SHE_TITLES = listed(
    "grandma granny grandmother nana nan mum mummy mom mommy mama mother aunt auntie "
    "sister miss ms mrs lady queen princess madam"
)
HE_TITLES = listed(
    "grandpa grandad granddad grandfather papa dad daddy father uncle brother mr sir lord "
    "king prince captain"
)  # fmt: skip
TITLES = SHE_TITLES | HE_TITLES | listed("dr doctor professor little big old baby cousin")
ALONE = listed(
    "grandma granny grandmother nana mum mummy mom mommy mama grandpa grandad granddad "
    "grandfather papa dad daddy auntie"
)  # fmt: skip
"""Titles that are a name by themselves, if they have a capital and nobody owns them."""
KIN = listed("brother sister cousin baby little big old mother father")
"""With somebody's before it, no part of a name: "her brother Ben"."""
CROWNED = ("king", "queen", "prince", "princess")
FLOWERS = listed(
    "rose daisy poppy lily ruby amber violet joy hope robin jay teddy jasmine holly ivy "
    "heather grace faith summer dawn"
)  # fmt: skip
"""Words of everyday life that are names, too."""
HE = listed("noah luca joshua ezra elijah sasha mika nikita leo tom tim max sam ben joe jack harry")
SHE_NAMES = listed(
    "mary emily lucy amy zoe chloe alice kate jane anne ann grace ruby rose lily daisy "
    "poppy violet amber joy hope holly ivy heather jasmine sophie charlotte ruth isabel "
    "elizabeth beth sarah hannah leah rachel hermione dorothy wendy molly millie ellie "
    "ellen helen evelyn marie claire faith summer dawn susan peggy nancy sally tilly "
    "elsie rosie katie maisie freya phoebe chloé zoé yuki mei ingrid astrid"
)
PEOPLE = listed(
    "girl boy child kid woman man lady lad lass person princess prince king queen hero heroine "
    "somebody someone"
)  # fmt: skip
DETERMINERS = listed("a an the my our your his her their this that another every no")
THERE = listed("in at into from near on around inside")
GOING = re.compile(
    r"\b(?:go(?:es|ing|ne)?|went|travel\w*|fly|flies|flying|flew|drove|drives?|sail\w*)\b"
)
NO_NAMES = listed(
    "i sometimes somehow whenever wherever after before during every everyday meanwhile "
    "suddenly whoever everyone today maybe perhaps please"
)


@dataclass(frozen=True)
class Named:
    """A name in a text: where it stands, how it is shown, who that is, whether it says "she"."""

    begins: int
    ends: int
    name: str
    she: bool


@cache
def known_word(word: str) -> bool:
    """Whether the world or everyday life has a word, be it with a letter wrong."""
    return read_prompt(word.lower()).ok or (word.islower() and mended(word) is not None)


@cache
def animal(word: str) -> bool:
    """Whether a word is an animal of the world's, or is read as one."""
    low = word.lower()
    return low in CREATURES or any(lexicon().get((s,), s) in v.SPECIES for s in stems(low))


def _goes_on(word: str) -> bool:
    """Whether a word may come after the name of who does something."""
    return word in ("and", "is", "was", "has", "had", ",", "the", "went", "ran", "found", "lost",
                    "saw", "met", "sat", "slept", "gave", "flew", "can", "wants", "in", "on",
                    "with", "wears") or word.endswith(("s", "ed"))  # fmt: skip


def names_in_text(text: str, prompt: bool = True) -> list[Named]:
    """The names in a text, in their order.

    Args:
        text: what was typed.
        prompt: it is a reader's sentence, where the first word may be a name; else it is prose.
    """
    found: list[Named] = []
    i = 0
    spans = [(m[0], m.start(), m.end()) for m in WORD.finditer(text)]
    spans = [(w[:-2], a, b - 2) if w.endswith(("'s", "\u2019s")) and len(w) > 2 else (w, a, b)
             for w, a, b in spans]  # fmt: skip
    words = [w for w, _, _ in spans]
    while i < len(words):
        n = _name_at(words, i, text, prompt, bool(found) and words[i - 1].lower() == "and")
        if n:
            said = [w for w in words[i : i + n] if w != "."]
            shown = text[spans[i][1] : spans[i + n - 1][2]]
            shown = " ".join(w if w[:1].isupper() else w.capitalize() for w in shown.split())
            if len(shown) <= MOST:
                she = _she([w.lower() for w in said], words[i + n :], words[:i])
                found.append(Named(spans[i][1], spans[i + n - 1][2], clean_name(shown), she))
            i += n
        i += not n
    return found


def _capital(word: str) -> bool:
    return word[:1].isupper()


def _run(words: list[str], i: int) -> int:
    """How many words with a capital stand in a row, at most three; "Mr." keeps its full stop."""
    n = 0
    while i + n < len(words) and n < 5:
        if (_capital(words[i + n]) and words[i + n] != "I") or (
            n and words[i + n] == "." and words[i + n - 1] in ("Mr", "Mrs", "Dr", "Ms")
        ):
            n += 1
        else:
            break
    return n


def _name_at(words: list[str], i: int, text: str, prompt: bool, joined: bool) -> int:
    """How many words of a name begin here; 0 for none."""
    word, low = words[i], words[i].lower()
    before = words[i - 1].lower() if i else ""
    after = words[i + 1].lower() if i + 1 < len(words) else ""
    if not word[0].isalpha() or low in NO_NAMES:
        return 0
    first = i == 0 or words[i - 1] in (".", "!", "?", ":", '"', "\u201c", "\u2018")
    if before in ("called", "named") or (before in ("is", "'s") and i > 1
                                         and words[i - 2].lower() == "name"):  # fmt: skip
        return _run(words, i) or int(low not in (*DETERMINERS, "after", "by", "for"))
    run = _run(words, i)
    beyond = words[i + run].lower() if i + run < len(words) else ""
    titled = low.rstrip(".") in TITLES and not (before in DETERMINERS and low in KIN)
    if titled and (run > 1 or (not run and _run(words, i + 1) and not known_word(words[i + 1]))):
        return run if run > 1 else 1 + _run(words, i + 1)
    if word in v.NAMES or (low.capitalize() in v.NAMES and not known_in_lexicon(low)):
        return run if run > 1 and not first and prompt else 1
    if run and low in ALONE:
        return run if before not in DETERMINERS else 0
    if animal(before) and run and not (known_word(word) and low not in FLOWERS):
        return run
    unknown = not known_word(word)
    if run and (unknown or low in FLOWERS) and not first:
        led = before in DETERMINERS or before in THERE
        led |= before == "to" and GOING.search(text.lower()) is not None
        return 0 if led else run
    if not prompt:
        return 0
    if animal(before) and unknown and i > 1 and words[i - 2].lower() in ("my", "our"):
        return 1
    after = beyond if run else after
    told = unknown and (_goes_on(after) or (not after and bool(run)))
    told |= bool(run) and low in FLOWERS and _goes_on(after)
    plural = low.endswith("s") and after in ("are", "were", "in", "on")
    adverb = low.endswith("ly") and low not in FLOWERS | SHE_NAMES
    if first and not run and low in ALONE and _goes_on(after):
        return 1
    if (first or joined) and told and not plural and not adverb:
        return run or 1
    return 0


@cache
def known_in_lexicon(word: str) -> bool:
    """Whether everyday life has a word for something else than a name: "olive" is none."""
    return (word,) in lexicon()


def _she(said: list[str], rest: list[str], before: list[str]) -> bool:
    """Whether one says "she": by a title, by what was said before or after, else by the name."""
    lead = [w.lower() for w in before[-4:]]
    for word in (*said, *reversed(lead)):
        if word in SHE_TITLES or word in ("girl", "woman", "lass", "heroine"):
            return True
        if word in HE_TITLES or word in ("boy", "man", "lad"):
            return False
    for word in (w.lower() for w in rest):
        if word in ("she", "her", "hers", "herself"):
            return True
        if word in ("he", "his", "him", "himself"):
            return False
    last = said[-1]
    if last in HE:
        return False
    return last in SHE_NAMES or last.endswith(("a", "ah"))


def played(text: str, table: Table, taken: set[str], prompt: bool = True) -> tuple[str, Table]:
    """A text in the world's names, and the table with everybody whom it names.

    "Mia the fox hops" becomes "a fox called Alma. Alma hops", "a girl called Mia" becomes "Alma",
    for so the world reads them.

    Raises:
        ValueError: there are more people than names.
    """
    heard = _heard(text, table) if prompt else text
    found = [n for n in names_in_text(heard, prompt) if n.name not in table.players]
    for n in found:
        own = {x.name for x in found if x.name in v.NAMES}
        if n.name not in own or n.name in table.back:
            table = table.with_(n.name, n.she, taken | own)
    names = dict(table.players)
    out, at, who = "", 0, ""
    for n in found:
        out += swapped(heard[at : n.begins], names)
        out, said, at, told = _placed(out, heard, n, names.get(n.name, n.name), prompt)
        out, who = out + said, who + told
    return who + out + swapped(heard[at:], names), table


def _heard(text: str, table: Table) -> str:
    """Known names with their capitals: "mia goes home" is about Mia, unless it is a word."""
    for name in table.players:
        if not known_word(name):
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", lambda _, n=name: n, text, flags=re.I)  # type: ignore[misc]
    return text


def _placed(out: str, text: str, n: Named, player: str, prompt: bool) -> tuple[str, str, int, str]:
    """(what was said before, the player's name, where to go on, a sentence that goes before all of
    it and says who that is)."""
    if not prompt:
        return out, player, n.ends, ""
    crown = " in a crown" if n.name.split()[0].lower() in CROWNED and " " in n.name else ""
    lead = re.search(LEAD, out, re.IGNORECASE)
    if lead and lead[2].lower() in CROWNED and lead[3]:
        crown = " in a crown"
    if lead and lead[2].lower() in PEOPLE and lead[3]:
        return out[: lead.start()], player + crown, n.ends, ""
    if lead and animal(lead[2]):
        return out[: lead.start()], player, n.ends, f"a {lead[1]}{lead[2]} called {player}. "
    the = re.match(r",?\s+the((?:\s+[\w-]+){1,3})", text[n.ends :])
    words = re.findall(r"\s+[\w-]+", the[1]) if the else []
    kind = next((k for k, w in enumerate(words) if animal(w.strip())), None)
    if the and kind is not None:
        look = "".join(words[: kind + 1])
        ends = n.ends + the.start(1) + len(look)
        return out, player, ends, f"a{look} called {player}{crown}. "
    return out, player + crown, n.ends, ""


LEAD = (
    r"\b(?:an?|the|my|our|his|her|their)\s+((?:[\w-]+\s+){0,3}?)([\w-]+)\s+"
    r"((?:called|named|whose name is)\s+)?[\"\u201c]?$"
)
"""Before a name: "a small fox called ", "my dog "."""
