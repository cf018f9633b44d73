"""The world's two answerers: one looks at the recorded scene, the other reads the story's state."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from functools import cache

from mmcourse.story.abilities import Answer, AnswerRequest
from mmcourse.story.backends.towers import Towers
from mmcourse.story.facts import Fact
from mmcourse.story.staging import scene_of
from mmcourse.story.state import State
from mmcourse.storyworld.language.lexicon import lexicon, stems
from mmcourse.storyworld.language.phrases import tokens
from mmcourse.storyworld.language.questions import TEMPLATES, Template
from mmcourse.storyworld.language.words import article
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.scene import Scene

CLOSE = 0.86
"""How alike a typed question and one of the world's must be, as difflib counts."""
SPELLED = {"color": "colour", "colors": "colours", "what's": "what is", "who's": "who is",
           "where's": "where is", "mum": "", "please": "", "which": "what"}  # fmt: skip
EXAMPLES = "what colour is the fox? where are we? how does the fox feel? who is next to the bear?"


@cache
def known_questions() -> dict[str, tuple[Template, dict[str, str]]]:
    """Every question that the world can be asked, as plain words, with what it asks."""
    out: dict[str, tuple[Template, dict[str, str]]] = {}
    for template in TEMPLATES:
        for content in template.contents():
            for form in range(len(template.forms)):
                text = template.question(content, "yes", form).text
                out.setdefault(plain(text), (template, content))
    return out


def plain(question: str) -> str:
    """A question in lower case, without marks, in the world's words and spelling."""
    words = [SPELLED.get(w, w) for w in tokens(question) if w[0].isalnum()]
    words = [x for w in words for x in w.split()]
    return " ".join(word if word in _asking() else _meant(word) for word in words)


VALUES = frozenset((*v.SPECIES, *v.KINDS, *v.COLOURS, *v.MOODS, *v.ACCESSORIES, *v.TIMES))


@cache
def _meant(word: str) -> str:
    """The value of the world that a word stands for, singular; the word itself if for none."""
    book = _book()
    found = (s if s in VALUES else book.get((s,), "") for s in stems(word))
    return next((x for x in found if x in VALUES), word)


@cache
def _book() -> dict[tuple[str, ...], str]:
    return lexicon()


@cache
def _asking() -> frozenset[str]:
    """The words that ask, and so mean nothing else: "does" is no plural of "doe"."""
    forms = (form for template in TEMPLATES for form in template.forms)
    return frozenset(w for form in forms for w in tokens(form) if w.isalpha())


class PictureAnswerer:
    """Answers from the recorded scene of a picture; without one, from what the towers see."""

    def __init__(self, towers: Towers) -> None:
        self.towers = towers

    def answer(self, request: AnswerRequest) -> Answer:
        """What the picture shows; "I cannot tell" where it does not, or the question is unclear."""
        scene = scene_of(request.staging)
        because = "the record of the picture"
        if scene is None:
            if request.picture is None:
                raise ValueError("there is no picture to look at")
            seen = self.towers.caption(request.picture)
            scene, because = scene_of(seen.staging), seen.how
            assert scene is not None
        return look(request.question, scene, because)


def look(question: str, scene: Scene, because: str = "") -> Answer:
    """The answer to a question in a scene."""
    asked = plain(question)
    names = {c.name.lower(): c for c in scene.characters}
    named = [w for w in asked.split() if w in names]
    by_name = named[0] if named else ""
    if by_name:
        asked = re.sub(rf"\b{by_name}\b", f"the {names[by_name].species}", asked)
    found = match(asked)
    if found is None:
        return not_understood()
    template, content = found
    if by_name and template.about[0] == "{who}":
        scene = alone(scene, by_name)
    truth = template.truth(scene, content)
    if truth is None:
        return Answer("I cannot tell which one you mean.", False, because)
    return Answer(_said(truth), True, because)


def match(asked: str) -> tuple[Template, dict[str, str]] | None:
    """Which of the world's questions a plain one is, or nearly is, and what it asks about."""
    found = known_questions()
    near = [asked] if asked in found else get_close_matches(asked, found, 3, CLOSE)
    return next((found[m] for m in near if _same_words(m, asked)), None)


def not_understood() -> Answer:
    """What is said to a question that is none of the world's."""
    return Answer(f"I do not understand this question. Try: {EXAMPLES}", False, "the question")


def _same_words(a: str, b: str) -> bool:
    """Whether two questions speak of the same values."""
    return VALUES & set(a.split()) == VALUES & set(b.split())


def alone(scene: Scene, name: str) -> Scene:
    """The scene with everybody else of the same species turned into another, so that "the fox" is
    the one who was named."""
    from dataclasses import replace

    meant = next(c for c in scene.characters if c.name.lower() == name)
    free = [s for s in v.SPECIES if s not in {c.species for c in scene.characters}]
    people = tuple(
        replace(c, species=free.pop()) if c.species == meant.species and c is not meant else c
        for c in scene.characters
    )
    return replace(scene, characters=people)


def _said(answer: str) -> str:
    return answer[:1].upper() + answer[1:] + "."


class StoryAnswerer:
    """Answers from what the story has made true so far, and says in which scene."""

    def answer(self, request: AnswerRequest) -> Answer:
        """What the ledger says; where it says nothing, the scene as it is staged."""
        state = request.state or State()
        for pattern, reply in _PATTERNS:
            match = re.fullmatch(pattern, _words(request.question))
            if match:
                found = reply(state, *match.groups())
                if found is not None:
                    text, facts = found
                    scenes = sorted({f.scene for f in facts})
                    where = f"scene {', '.join(map(str, scenes))}" if scenes else "the whole story"
                    return Answer(text, True, where)
        scene = scene_of(request.staging)
        if scene is not None:
            return look(request.question, scene, "how the scene is staged")
        return Answer("The story does not say.", False, "the whole story")


def _words(question: str) -> str:
    kept = re.sub(r"[^\w' -]", " ", question.lower())
    kept = " ".join(SPELLED.get(w, w) for w in kept.split())
    return re.sub(r"\b(the|a|an|now|please) ", "", kept + " ").strip()


Reply = tuple[str, list[Fact]] | None


def _who(state: State, word: str) -> str:
    """Somebody by name, or by species where there is one of it."""
    for name in state.characters:
        if name.lower() == word:
            return name
    same = [n for n in state.characters if state.value(n, "species") == word]
    return same[0] if len(same) == 1 else ""


def _has(state: State, who: str) -> Reply:
    name = _who(state, who)
    if not name:
        return None
    things = state.holds(name)
    facts = [f for f in state.facts if f.attribute == "has" and f.value in things]
    text = " and ".join(f"the {t}" for t in things) or "nothing"
    return f"{name} has {text}.", facts[-1:]


def _owner(state: State, thing: str) -> Reply:
    known = dict.fromkeys(f.value for f in state.facts if f.attribute == "has")
    same = [t for t in known if t == thing or t.split()[-1] == thing]
    if len(same) != 1:
        return None
    owner = state.owner(same[0])
    facts = [f for f in state.facts if f.value == same[0] and f.attribute in ("has", "lost")]
    return (f"{owner} has the {same[0]}." if owner else f"Nobody has the {same[0]}."), facts[-1:]


def _one(attribute: str, say: str) -> Callable[[State, str], Reply]:
    def reply(state: State, who: str) -> Reply:
        name = _who(state, who)
        fact = state.now(name, attribute) if name else None
        if fact is None:
            return None
        value = article(fact.value) if attribute == "species" else fact.value
        return say.format(name=name, value=value), [fact]

    return reply


def _wants(state: State, who: str) -> Reply:
    name = _who(state, who)
    goals = [f for f in state.goals() if f.subject == name]
    if not name:
        return None
    words = " and ".join(f.words for f in goals) or "wants nothing in particular"
    return f"{name} {words}.", goals


def _promised(state: State, who: str) -> Reply:
    name = _who(state, who)
    made = [p for p in state.promises() if p.who == name]
    if not name:
        return None
    said = [f"{p.what} ({'open' if p.open else 'kept' if p.kept else 'broken'})" for p in made]
    facts = [f for f in state.facts if f.subject == name and f.attribute == "promised"]
    return f"{name} promised {' and '.join(said) or 'nothing'}.", facts


def _people(state: State) -> Reply:
    said = [f"{n}, {article(_look(state, n))}" for n in state.characters]
    return ("; ".join(said) + "." if said else "Nobody yet."), []


def _look(state: State, name: str) -> str:
    looks = state.looks(name)
    return f"{looks.get('colour', '')} {looks.get('species', '')}".strip()


def _been(state: State) -> Reply:
    places = [p.name for p in state.places() if p.scenes]
    return f"{', then '.join(places) or 'nowhere'}.".capitalize(), []


def _friends(state: State, who: str) -> Reply:
    name = _who(state, who)
    found = [f for f in state.relations() if f.subject == name and f.attribute == "friend of"]
    if not name:
        return None
    names = " and ".join(f.value for f in found)
    return (f"{names}." if names else f"{name} has no friend yet."), found


def _seen(state: State, who: str) -> Reply:
    name = _who(state, who)
    fact = state.now(name, "at") if name else None
    return None if fact is None else (f"{name} was last seen: {fact.value}.", [fact])


_PATTERNS: tuple[tuple[str, Callable[..., Reply]], ...] = (
    (r"what does ([\w' -]+) have", _has),
    (r"what has ([\w' -]+?)(?: got)?", _has),
    (r"who has ([\w' -]+)", _owner),
    (r"whose is ([\w' -]+)", _owner),
    (r"how does ([\w' -]+) feel", _one("mood", "{name} is {value}.")),
    (r"what colour is ([\w' -]+)", _one("colour", "{name} is {value}.")),
    (
        r"what (?:animal|species|kind of animal) is ([\w' -]+)",
        _one("species", "{name} is {value}."),
    ),
    (r"what does ([\w' -]+) want", _wants),
    (r"what (?:did|has) ([\w' -]+?) promised?", _promised),
    (r"who is in (?:this )?story", _people),
    (r"where have we been", _been),
    (r"who is ([\w -]+?)'s friend", _friends),
    (r"where is ([\w' -]+)", _seen),
)
