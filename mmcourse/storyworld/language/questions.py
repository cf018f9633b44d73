"""Questions about a scene with their true answers, of every kind, some without an answer.

A template asks about content words ("fox", "red") and knows its possible answers; `answering` finds
the true one. Some questions speak of somebody who isn't there; their answer says so.
`asking.sample_question` draws questions whose answers nobody can guess without the picture.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from mmcourse.storyworld.language import words as w
from mmcourse.storyworld.language.answering import (
    HAPPENS,
    NOBODY,
    NOTHING,
    YES_NO,
    Content,
    Truth,
    action,
    attribute,
    count,
    exists,
    happens,
    is_so,
    missing,
    neighbour,
    setting,
    setting_is,
)
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.facts import Fact
from mmcourse.storyworld.world.sampling import Dice
from mmcourse.storyworld.world.scene import Scene

__all__ = ["KINDS", "TEMPLATES", "Content", "Question", "Template", "ask", "missing", "questions",
           "read_answer"]  # fmt: skip
KINDS = ("colour", "count", "place", "relation", "mood", "action", "accessory", "interaction",
         "yes/no", "unanswerable")  # fmt: skip


@dataclass(frozen=True)
class Question:
    """A question in words with its true answer; `fact` is what the two say together."""

    kind: str
    text: str
    answer: str
    answerable: bool
    fact: Fact


@dataclass(frozen=True)
class Template:
    """One way to ask.

    forms: phrasings; `{who}`, `{what}`, `{colour}` and `{value}` are content words.
    slots: the values that each content word may take.
    about: (who, attribute) of the fact that the answer completes.
    answers: every possible answer.
    truth: the true answer in a scene, or None where the question would be unclear.
    """

    kind: str
    forms: tuple[str, ...]
    slots: Mapping[str, tuple[str, ...]]
    about: tuple[str, str]
    answers: tuple[str, ...]
    truth: Truth

    def contents(self) -> list[dict[str, str]]:
        """Every choice of content words."""
        return [dict(zip(self.slots, c, strict=True)) for c in product(*self.slots.values())]

    def possible(self, content: Content) -> tuple[str, ...]:
        """The answers to one question, the missing referents' among them."""
        return (*self.answers, *(missing(x) for k, x in content.items() if k in REFERENTS))

    def question(self, content: Content, answer: str, form: int = 0) -> Question:
        """The question with this answer; its words are put in and its plurals formed."""
        plurals = {f"{k}_plural": w.plural(x) for k, x in content.items()}
        text = self.forms[form % len(self.forms)].format(**content, **plurals)
        gone = answer.startswith("there is no ")
        who, what = (x.format(**content, **plurals) for x in self.about)
        fact = ("scene", "no", answer.removeprefix("there is no ")) if gone else (
            who, what, answer)  # fmt: skip
        return Question(self.kind, text, answer, not gone, fact)


REFERENTS = ("who", "what")
"""Content words that speak of somebody or something as being there."""

_A, _T, _N = {"who": v.SPECIES}, {"what": v.KINDS}, {"value": v.SPECIES}
_BARE = {"none": NOTHING}
TEMPLATES = (
    Template("colour", ("what colour is the {who}?", "which colour does the {who} have?"),
             _A, ("{who}", "colour"), v.COLOURS, attribute("colour")),
    Template("colour", ("what colour is the {what}?", "which colour does the {what} have?"),
             _T, ("{what}", "colour"), v.COLOURS, attribute("colour")),
    Template("count", ("how many {value_plural} are there?", "how many {value_plural} do we see?"),
             _N, ("{value}", "count"), ("0", "1", "2"),
             count(lambda c, x: c.species == x, 2)),
    Template("count", ("how many animals are {value}?",), {"value": v.MOODS},
             ("{value}", "count"), ("0", "1", "2"), count(lambda c, x: c.mood == x, 2)),
    Template("count", ("how many animals wear a {value}?",), {"value": w.WORN},
             ("{value}", "count"), ("0", "1", "2"), count(lambda c, x: c.accessory == x, 2)),
    Template("count", ("how many animals are there?",), {}, ("animals", "count"),
             ("1", "2", "3"), lambda scene, _: str(len(scene.characters))),
    Template("place", ("where are we?", "where does this happen?"), {}, ("scene", "place"),
             v.PLACES, setting("place")),
    Template("place", ("what time of day is it?",), {}, ("scene", "time"), v.TIMES,
             setting("time")),
    Template("place", ("what is the weather like?",), {}, ("scene", "weather"), v.WEATHERS,
             setting("weather")),
    Template("relation", ("where is the {who}?", "on which side is the {who}?"), _A,
             ("{who}", "position"), v.POSITIONS, attribute("position")),
    Template("relation", ("who is next to the {who}?",), _A, ("{who}", "next to"),
             (*v.SPECIES, NOBODY), neighbour("next to")),
    Template("mood", ("how does the {who} feel?", "what mood is the {who} in?"), _A,
             ("{who}", "mood"), v.MOODS, attribute("mood")),
    Template("action", ("what is the {who} doing?", "what does the {who} do?"), _A,
             ("{who}", "action"), v.ACTIONS, action),
    Template("accessory", ("what is the {who} wearing?", "what does the {who} wear?"), _A,
             ("{who}", "accessory"), (*w.WORN, NOTHING), attribute("accessory", _BARE)),
    Template("interaction", ("what happens between them?", "what do they do together?"), {},
             ("scene", "interaction"), (*HAPPENS.values(), NOTHING), happens),
    Template("yes/no", ("is the {who} {value}?",), {**_A, "value": v.MOODS},
             ("{who}", "mood {value}"), YES_NO, is_so("mood")),
    Template("yes/no", ("is the {who} {value}?",), {**_A, "value": v.COLOURS},
             ("{who}", "colour {value}"), YES_NO, is_so("colour")),
    Template("yes/no", ("is there a {colour} {value}?", "do we see a {colour} {value}?"),
             {"colour": v.COLOURS, "value": (*v.SPECIES, *v.KINDS)},
             ("{colour} {value}", "exists"), YES_NO, exists),
    Template("yes/no", ("does this happen at {value}?",), {"value": ("sunset", "night")},
             ("scene", "time {value}"), YES_NO, setting_is("time")),
)  # fmt: skip


def questions(scene: Scene, kind: str | None = None) -> list[Question]:
    """Every question that has one clear answer in a scene, the unanswerable ones included.

    Raises:
        ValueError: a kind that does not exist.
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"question kind {kind!r} does not exist; choose one of {KINDS}")
    out = []
    for template in TEMPLATES:
        for content in template.contents():
            answer = template.truth(scene, content)
            if answer is not None:
                question = template.question(content, answer)
                if kind in (None, question.kind) or (
                    kind == "unanswerable" and not question.answerable
                ):
                    out.append(question)
    return out


def ask(scene: Scene, kind: str, key: int = 0) -> Question:
    """One question of a kind about a scene; another key, another question.

    Raises:
        ValueError: a kind that does not exist, or of which this scene allows none.
    """
    found = questions(scene, kind)
    if not found:
        raise ValueError(f"this scene allows no question of kind {kind!r}; choose another kind")
    return Dice("ask", scene.fingerprint(), kind, key).pick(found)


def read_answer(question: str, answer: str) -> Fact | None:
    """The fact that a question and an answer state together, or None if either is not one of ours.

    Articles, a final full stop and capitals do not matter.
    """
    text = re.sub(r"\s+", " ", question.strip().lower())
    said = re.sub(r"^(a|an|the|it is|in the|on the) ", "", answer.strip().lower().rstrip("."))
    for template in TEMPLATES:
        for content in template.contents():
            for form in range(len(template.forms)):
                if template.question(
                    content, said, form
                ).text == text and said in template.possible(content):
                    return template.question(content, said).fact
    return None
