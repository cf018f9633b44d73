"""Write stories with the writer: facts under the grammar, prose that is read back and resampled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mmcourse.lora.config import is_number
from mmcourse.lora.models.collate import Example, questions
from mmcourse.lora.models.grammar import Constrained, Grammar
from mmcourse.lora.models.structure import page_grammar
from mmcourse.lora.models.words import tidy
from mmcourse.lora.sampling import LEAST, TEMPERATURE, Listed, likely
from mmcourse.lora.writer import EDGE, Memory, Writer, facts_of, written
from mmcourse.refusals import whole
from mmcourse.storyworld.language.check import check_story
from mmcourse.storyworld.language.phrases import tokens
from mmcourse.storyworld.language.story_parse import read_story
from mmcourse.storyworld.world import vocabulary as v

TOKENS = 400
TRIES = 6
"""A page that contradicts what is known is written anew, up to so many times in all."""


class FactsFirst(Constrained):
    """Under the grammar up to the edge, each name listed once; behind it free, among what is
    `likely`.

    Args:
        grammar: of the facts.
        words: the tokenizer.
        start: length of the prompt.
        temperature: of all words.
        least: see `likely`.

    Raises:
        ValueError: a temperature that is no number above 0, or a least that is no share above 0.
    """

    def __init__(
        self,
        grammar: Grammar,
        words: Any,
        start: int,
        temperature: float = TEMPERATURE,
        least: float = LEAST,
    ) -> None:
        if not (is_number(temperature) and temperature > 0):
            raise ValueError(f"temperature is {temperature!r}, expected a number above 0")
        if not (is_number(least) and 0 < least <= 1):
            raise ValueError(f"least is {least!r}, expected a share above 0, at most 1")
        super().__init__(grammar, words.convert_tokens_to_ids(EDGE), start)
        self.listed, self.temperature, self.least = Listed(words), temperature, least

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """(B, T) tokens so far and (B, words) scores to scores of the same shape."""
        scores = scores / self.temperature
        out = likely(scores, self.least)
        told = input_ids[:, self.start :]
        rows = (told != self.stop).all(1).nonzero().flatten()  # (R,)
        if len(rows):
            facts = scores[rows]
            for row, said in zip(facts, told[rows].tolist()):
                row[list(self.listed.taken(said))] = -torch.inf
            out[rows] = super().__call__(input_ids[rows], facts)
        return out


@dataclass
class Draft:
    """A story as it grows: what it has to agree with, its pages, and how many were written anew."""

    memory: Memory
    pages: list[str]
    facts: list[str]
    again: int = 0
    wrong: int = 0


def write_pages(
    writer: Writer,
    memories: Sequence[Memory],
    seed: int,
    **sampling: float,
) -> list[tuple[str, str]]:
    """One page for each memory: its facts as JSON, and its prose as it is printed; `sampling` as
    `FactsFirst` takes it.

    Raises:
        ValueError: no memories, or sampling that `FactsFirst` refuses.
    """
    if not memories:
        raise ValueError("no memories, so no pages: give one or more")
    words = writer.processor.tokenizer
    batch = questions(writer.processor, [Example(m.prompt(), "") for m in memories])
    batch = {k: x.to(writer.model.device) for k, x in batch.items()}
    start = batch["input_ids"].shape[1]
    rules: Any = FactsFirst(page_grammar(writer.processor), words, start, **sampling)
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(seed)
        out = writer.model.generate(
            **batch,
            max_new_tokens=TOKENS,
            do_sample=True,
            top_k=0,
            logits_processor=[rules],
        )
    found = []
    for row in out[:, start:]:
        text = words.decode(row, skip_special_tokens=True)
        facts, _, prose = text.partition(EDGE)
        found.append((facts.strip(), written(tidy(prose.strip()))))
    return found


def faults(pages: Sequence[str], asked: Memory | None = None, known: Collection[str] = ()) -> int:
    """How much is wrong with the last page: contradictions, words that cannot be read, strangers,
    nothing said at all, and of what was asked at the beginning (`asked`) whatever is not told.

    Args:
        pages: of a story so far.
        asked: what the story begins with, if this is its first page.
        known: names that need no introduction.
    """
    if not pages[-1]:
        return 1
    contradictions, unread = check_story("\n\n".join(pages))
    found = len(contradictions) + len(unread[-1]) + len(strangers(pages, known))
    if asked is not None:
        found += sum(not told for told in kept(asked, pages[-1]))
    return found


def strangers(pages: Sequence[str], known: Collection[str] = ()) -> set[str]:
    """Names on the last page of somebody whom no page has introduced: nobody knows what they are.

    Args:
        pages: of a story so far.
        known: names that need no introduction, such as the one whom the hero looks for.
    """
    told = {who for page in read_story("\n\n".join(pages)) for who, what, _ in page.facts
            if what == "species"}  # fmt: skip
    said = {word.removesuffix("'s") for word in tokens(pages[-1])}
    return {name for name in v.NAMES if name.lower() in said} - told - set(known)


def named(memory: Memory) -> set[str]:
    """Who needs no introduction: whom the memory knows, and whom the goal names."""
    goal = set(tokens(memory.goal))
    return {*memory.looks, *(name for name in v.NAMES if name.lower() in goal)}


def kept(asked: Memory, page: str) -> list[bool]:
    """Of what was asked for, what a first page tells: the hero's colour and species, the place."""
    facts = facts_of([page])
    name, (colour, species, _) = next(iter(asked.looks.items()))
    wanted = ((name, "colour", colour), (name, "species", species))
    return [fact in facts for fact in (*wanted, ("scene", "place", asked.setting["place"]))]


def write_stories(
    writer: Writer, asked: Sequence[Memory], seed: int = 0, tries: int = TRIES
) -> list[Draft]:
    """Whole stories, page by page, several at once.

    Of a page's drafts the first without a fault is taken, or, after `tries`, the best.

    Args:
        writer: who writes.
        asked: what each story begins with.
        seed: another seed, other stories.
        tries: how often a page may be written.

    Raises:
        ValueError: no stories are asked for, or no tries.
    """
    if not asked:
        raise ValueError("no stories are asked for: give one memory or more")
    tries = whole("tries", tries)
    stories = [Draft(memory, [], []) for memory in asked]
    for number in range(max(memory.pages for memory in asked)):
        growing = [s for s, memory in zip(stories, asked) if number < memory.pages]
        best: dict[int, tuple[int, str, str]] = {}
        open_ = list(range(len(growing)))
        for attempt in range(tries):
            made = write_pages(
                writer, [growing[i].memory for i in open_], seed * 10_007 + number * 101 + attempt
            )
            for i, (facts, prose) in zip(open_, made, strict=True):
                story = growing[i]
                asked_ = None if number else story.memory
                wrong = faults([*story.pages, prose], asked_, named(story.memory))
                if i not in best or wrong < best[i][0]:
                    best[i] = wrong, facts, prose
            open_ = [i for i in open_ if best[i][0]]
            for i in open_:
                growing[i].again += 1
            if not open_:
                break
        for i, story in enumerate(growing):
            wrong, facts, prose = best[i]
            story.wrong += wrong
            story.pages.append(prose)
            story.facts.append(facts)
            story.memory = story.memory.after(prose, facts_of(story.pages))
    return stories


def longest_run(words: Sequence[str], known: Sequence[Sequence[str]]) -> int:
    """How many words on end of a text stand in one of the known texts as well, at most."""
    low, high = 0, len(words)
    while low < high:
        n = (low + high + 1) // 2
        grams = {tuple(text[i : i + n]) for text in known for i in range(len(text) - n + 1)}
        if any(tuple(words[i : i + n]) in grams for i in range(len(words) - n + 1)):
            low = n
        else:
            high = n - 1
    return low
