"""Chapter 6's writer: a page from what is known, its facts first, its sentences as they come.

What the model is told is put together in `tiny_asking`. The page's facts, which it puts down before
its prose, become the scene.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mmcourse.story.abilities import WriteRequest, Written
from mmcourse.story.backends.tiny_asking import Plan, Task, begins, begun, gone_on, told_before
from mmcourse.story.backends.tiny_goals import next_goals
from mmcourse.story.backends.tiny_models import loaded
from mmcourse.story.backends.tiny_reader import facts_in
from mmcourse.story.backends.tiny_stage import points, said_facts, stage
from mmcourse.story.consistency import contradictions
from mmcourse.story.facts import Fact
from mmcourse.story.grammar.tale import Tale
from mmcourse.story.grammar.telling import shown
from mmcourse.story.state import State, dated
from mmcourse.storyworld.language.phrases import tokens
from mmcourse.storyworld.world.dice import Dice

if TYPE_CHECKING:
    from mmcourse.lora.writer import Memory

GOAL, BEFORE = 24, 160
"""Tokens of a goal and of the page before that the model is told at most."""


class TinyWriter:
    """Writes pages with the course's own language model.

    Args:
        weights: a shipped name or a folder.
    """

    def __init__(self, weights: str = "writer") -> None:
        self.weights = weights

    @cached_property
    def model(self) -> Any:
        """The writer, loaded when it is first asked."""
        from mmcourse.lora.writer import Writer

        return loaded(Writer, self.weights)

    def write(self, request: WriteRequest) -> Iterator[str | Written]:
        """Sentence by sentence, and the whole.

        Raises:
            ValueError: nothing of what was typed can be read, or nothing was written.
        """
        from mmcourse.lora.models.structure import read_structure
        from mmcourse.lora.streaming import Telling, grammar_of
        from mmcourse.lora.writer import facts_of

        dice = Dice("writer", request.seed, request.prompt, len(told_before(request)))
        task = begun(request, dice) if begins(request) else gone_on(request, dice)
        asked = self._in_known_words(task.memory)
        telling = Telling(self.model, asked, int(dice.number() * 2**31))
        found = read_structure(telling.facts(grammar_of(self.model)))
        assert found is not None  # the grammar allows nothing else
        said: list[str] = []
        for sentence in telling.sentences(faults_in(task)):
            said.append(sentence)
            yield sentence + " "
        if not said:
            raise ValueError("the writer wrote nothing; try another seed, or other words")
        text = " ".join(said)
        read = facts_of([p for p in (task.memory.before, text) if p])
        yield self._written(request, task, text, found, read, telling.wrong, dice)

    def _in_known_words(self, memory: Memory) -> Memory:
        """The goal and the page before without words that the model never learned; of a long page
        its end."""
        words = self.model.processor.tokenizer.get_vocab()
        goal, before = ([w for w in tokens(x) if w in words] for x in (memory.goal, memory.before))
        return replace(memory, goal=" ".join(goal[:GOAL]), before=" ".join(before[-BEFORE:]))

    @staticmethod
    def _written(
        request: WriteRequest,
        task: Task,
        text: str,
        found: dict[str, Any],
        read: frozenset[tuple[str, str, str]],
        wrong: int,
        dice: Dice,
    ) -> Written:
        """A page with all that the storyteller keeps of it."""
        style = task.wish.style or request.style or "flat"
        scene = stage(found, read, task.tale, task.memory.setting, style, dice)
        triples = {*points(found), *(f for f in read if f[0] != "scene")}
        told = said_facts(triples, task.tale.state)
        facts = shown(scene, task.tale) if scene else facts_in(found, task.tale.state)
        kept = {(f.subject, f.attribute) for f in facts}
        facts += [f for f in told if (f.subject, f.attribute) not in kept]
        plan = replace(task.plan, before=text, pages=task.memory.pages)
        notes = task.wish.notes
        if wrong:
            notes = (*notes, "the writer found no better words for a part of this page")
        return Written(
            text,
            task.title,
            tuple(dict.fromkeys(facts)),
            next_goals(after(task.tale, facts, plan), task.memory.goal, dice),
            scene.to_json() if scene else "",
            style=task.wish.style,
            notes=notes,
            plan=plan.to_json(),
        )


def faults_in(task: Task) -> Callable[[str], int]:
    """How much is wrong with a page so far: what contradicts itself, the page before or the story,
    what cannot be read, who was not introduced, and on a first page what was asked for otherwise.
    """
    from mmcourse.lora.writer import facts_of
    from mmcourse.lora.writing import faults, named
    from mmcourse.storyworld.language.check import check_story

    before = [task.memory.before] if task.memory.before else []
    old = len(check_story("\n\n".join(before))[0])  # a reader may have written it
    known = [f.triple for f in task.tale.state.facts]
    for name, (colour, species, _) in task.memory.looks.items():
        known += [(name, "colour", colour), (name, "species", species)]

    at_home = named(task.memory) | set(task.tale.state.characters)

    def wrong(page: str) -> int:
        pages = [*before, page]
        facts = sorted(f for f in facts_of(pages) if f[1] != "lost")
        found = faults(pages, known=at_home) - old + len(contradictions(known, facts))
        if not task.tale.state.scenes:
            place = task.memory.setting["place"]
            found += any(f[:2] == ("scene", "place") and f[2] != place for f in facts)
        return found

    return wrong


def after(tale: Tale, facts: list[Fact], plan: Plan) -> Tale:
    """The tale with a scene more, whose number is not known yet."""
    id = max(tale.state.scenes, default=0) + 1
    state = State((*tale.state.facts, *dated(facts, id)), (*tale.state.scenes, id), plan.to_json())
    return Tale(state, tale.note)
