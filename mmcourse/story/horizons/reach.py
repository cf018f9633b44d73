"""How far back a story can be remembered: long stories, questions about them, and five ways to
choose what of fifty scenes still fits into a budget."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mmcourse.story.abilities import WriteRequest, Written
from mmcourse.story.backends.world_writer import WorldWriter
from mmcourse.story.context import build, count_tokens, retrieve
from mmcourse.story.facts import Fact
from mmcourse.story.state import State
from mmcourse.story.story import Node, Story

Piece = tuple[int, str]
"""(scene, text): a whole scene, the end of one, or (scene 0) a line of a summary."""


def long_story(seed: int, scenes: int = 50, prompt: str = "") -> Story:
    """A story by the world's own pen, without pictures: a path of so many scenes.

    Raises:
        ValueError: fewer than 1 scene.
    """
    if scenes < 1:
        raise ValueError(f"a story has at least 1 scene, got scenes={scenes}")
    writer, story = WorldWriter(), Story(f"long-{seed}", "", prompt, seed)
    for n in range(1, scenes + 1):
        state = story.state() if n > 1 else None
        asked = WriteRequest(state=state, seed=seed, prompt=prompt if n == 1 else "")
        *_, done = writer.write(asked)
        story = with_scene(story, done)
    return story


def with_scene(story: Story, done: str | Written) -> Story:
    """The story with what a writer wrote as its next scene."""
    assert isinstance(done, Written)
    id = story.current + 1
    facts = tuple(replace(f, scene=id) for f in done.facts)
    node = Node(id, story.current or None, (done.text,), facts=facts, plan=done.plan)
    return replace(story, nodes={**story.nodes, id: node}, current=id)


@dataclass(frozen=True)
class Question:
    """A question about a story.

    words: all of them stand in any piece that answers it. scene: the scene that does. answer: what
    a line of a summary has to say besides; scenes say it in words of their own.
    kind: "now" for what is true at the end, "then" for what happened once.
    overtaken: scenes that told of the same before, and would answer wrongly now.
    """

    text: str
    words: tuple[str, ...]
    scene: int
    kind: str
    answer: str = ""
    overtaken: tuple[int, ...] = ()


ASKED_THEN = {"give": "gave something to", "hug": "hugged", "quarrel": "quarrelled with",
              "follow": "followed"}  # fmt: skip


def questions(story: Story) -> list[Question]:
    """What can be asked at the end of a story, where the text of a scene holds the answer.

    Of now: how somebody feels, who has a thing, what was promised. Of then: where the hero met
    somebody, and when two of them last did something together.
    """
    state, found = story.state(), list[Question]()
    for name in state.characters:
        told = _named(story, state.history(name, "mood"), name)
        if told:
            last, before = told[-1], tuple(f.scene for f in told[:-1] if f.value != told[-1].value)
            asked = f"How does {name} feel now?"
            found.append(Question(asked, (name,), last.scene, "now", last.value, before))
    for thing in dict.fromkeys(f.value for f in state.facts if f.attribute in ("has", "lost")):
        told = _named(story, [f for f in state.facts if f.attribute in ("has", "lost")
                              and f.value == thing], thing)  # fmt: skip
        if told and state.owner(thing):
            asked, words = f"Who has the {thing} now?", (state.owner(thing), thing)
            last = told[-1]
            others = tuple(
                f.scene for f in told if f.subject != last.subject and f.scene < last.scene
            )
            found.append(Question(asked, words, told[-1].scene, "now", words[0], others))
    for p in state.promises():
        if p.open:
            asked = f"What did {p.who} promise?"
            found.append(Question(asked, (p.who,), p.made, "now", p.what))
    hero = state.characters[0]
    for name in state.characters[1:]:
        first = next(f.scene for f in state.facts if (f.subject, f.attribute) == (name, "species"))
        found.append(Question(f"Where did {hero} meet {name}?", (name,), first, "then"))
        for how in ASKED_THEN:
            did = [f for f in state.history(hero, how) if f.value == name]
            if did:
                asked = f"Where were they when {hero} {ASKED_THEN[how]} {name}?"
                found.append(Question(asked, (name,), did[-1].scene, "then"))
    return [q for q in found if all(w in story.nodes[q.scene].text for w in q.words)]


def _named(story: Story, facts: Sequence[Fact], word: str) -> list[Fact]:
    """Those facts whose scene's text speaks of somebody or something by name."""
    return [f for f in facts if word in story.nodes[f.scene].text]


def found_in(pieces: Sequence[Piece], question: Question) -> str:
    """Whether a context answers a question: "right" if it holds the scene that does, or a line of
    a summary that says it; "overtaken" if all it has is what was true before; else "nothing"."""
    for scene, text in pieces:
        said = all(word in text for word in question.words)
        if said and scene == question.scene:
            return "right"
        if said and scene == 0 and question.kind == "now" and question.answer in text:
            return "right"
    stale = any(scene in question.overtaken for scene, _ in pieces)
    return "overtaken" if stale else "nothing"


# -- five ways to choose ---------------------------------------------------------------------------


def last_scenes(story: Story, asked: str, budget: int) -> list[Piece]:
    """The newest scenes, whole, as many as fit: the baseline."""
    return _filled([(n.id, n.text) for n in story.path()[::-1]], budget, stop=True)


def window(story: Story, asked: str, budget: int) -> list[Piece]:
    """The last `budget` tokens, wherever that cuts: what one layer of sliding attention sees."""
    kept: list[Piece] = []
    for node in story.path()[::-1]:
        words = re.findall(r"\w+|[^\w\s]", node.text)
        if budget <= 0:
            break
        whole = len(words) <= budget
        kept.append((node.id, node.text if whole else " ".join(words[len(words) - budget :])))
        budget -= len(words)
    return kept


def summary(story: Story, asked: str, budget: int) -> list[Piece]:
    """What is true now, a line for each character, promise and goal, whoever was seen last first;
    then the newest scenes, if there is room."""
    state = story.state()
    seen = {name: max(f.scene for f in state.facts if f.subject == name)
            for name in state.characters}  # fmt: skip
    lines = [_line(state, name) for name in sorted(seen, key=lambda name: -seen[name])]
    lines += [f"{p.who} promised {p.what}." for p in state.promises() if p.open]
    lines += [f"{f.subject} {f.words}." for f in state.goals()]
    kept = _filled([(0, line) for line in lines], budget)
    left = budget - sum(count_tokens(text) for _, text in kept)
    return kept + last_scenes(story, asked, left)


def _line(state: State, name: str) -> str:
    mood, things = state.mood(name), state.holds(name)
    parts = ([f"is {mood}"] if mood else []) + [f"has the {thing}" for thing in things]
    return f"{name} {', '.join(parts) or 'is there'}."


def retrieved(story: Story, asked: str, budget: int) -> list[Piece]:
    """The scenes that share the rarest words with the question, then the newest."""
    order = [node for node, _ in retrieve(story.path(), asked)]
    order += [node for node in story.path()[::-1] if node not in order]
    return _filled([(n.id, n.text) for n in order], budget)


def packed(story: Story, asked: str, budget: int) -> list[Piece]:
    """What chapter 7's context keeps: facts, the last turns, two retrieved scenes, beginnings."""
    context = build(story, prompt=asked, budget=budget)
    whole = ("last turns", "retrieved", "earlier", "marked")
    return [(i.scene if i.kind in whole else 0, i.text) for i in context.kept]


def both(story: Story, asked: str, budget: int) -> list[Piece]:
    """Half of the budget for the summary's lines, the rest for retrieved scenes."""
    lines = [piece for piece in summary(story, asked, budget // 2) if piece[0] == 0]
    left = budget - sum(count_tokens(text) for _, text in lines)
    return lines + retrieved(story, asked, left)


WAYS: dict[str, Callable[[Story, str, int], list[Piece]]] = {
    "last_scenes": last_scenes,
    "window": window,
    "summary": summary,
    "retrieved": retrieved,
    "packed": packed,
    "both": both,
}


def _filled(pieces: Sequence[Piece], budget: int, stop: bool = False) -> list[Piece]:
    """Pieces in their order, each if it fits; with `stop`, none after the first that does not."""
    kept = []
    for scene, text in pieces:
        cost = count_tokens(text)
        if cost <= budget:
            kept.append((scene, text))
            budget -= cost
        elif stop:
            break
    return kept


# -- sliding attention -----------------------------------------------------------------------------


def sliding_mask(length: int, window: int, sinks: int = 0) -> Tensor:
    """(length, length) bool, True = attend: each token sees itself, the window - 1 before it, and
    the first `sinks` tokens.

    Source: Beltagy et al., Longformer, 2020 (the window); Xiao et al., Efficient Streaming Language
    Models with Attention Sinks, 2024 (the first tokens).

    Raises:
        ValueError: a window below 1 or fewer than 0 sinks.
    """
    if window < 1 or sinks < 0:
        raise ValueError(f"expected window >= 1 and sinks >= 0, got {window} and {sinks}")
    i = torch.arange(length)
    back = i[:, None] - i  # (T, T): how far the key lies behind the query
    return (back >= 0) & ((back < window) | (i < sinks))


def farthest(mask: Tensor, layers: int) -> int:
    """How many tokens back the last one can be reached from, through so many layers of a mask
    (T, T)."""
    seen = mask[-1]
    for _ in range(layers - 1):
        seen = (mask & seen[:, None]).any(0)  # whom those see whom the last one sees
    return len(mask) - 1 - int(seen.long().argmax())
