"""How good the four are, on scenes that no step has seen, beside what a blank picture gives."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from PIL.Image import Image
from torch import Tensor

from mmcourse.hub import find_folder
from mmcourse.joint.evaluate import READABLE, distinct_scenes, lone_scenes, prompts, truth
from mmcourse.joint.retrieval import recall_at_k, zero_shot_predict
from mmcourse.lora.models.collate import Example, answer
from mmcourse.lora.models.folders import load
from mmcourse.lora.models.grammar import Constrained, Narrowed
from mmcourse.lora.models.neighbours import exchanged
from mmcourse.lora.models.real import check_words
from mmcourse.lora.models.structure import (
    Item,
    f1,
    items,
    on_the_page,
    page_grammar,
    read_structure,
)
from mmcourse.lora.models.tasks import (
    CANT_TELL,
    blank,
    describe,
    is_blank,
    page_of,
    question_of,
    structure_of,
)
from mmcourse.lora.writer import written
from mmcourse.storyworld import caption, render, sample_scene
from mmcourse.storyworld.language.check import check_scene, check_story
from mmcourse.storyworld.language.parse import read
from mmcourse.storyworld.language.questions import KINDS

Measurement = dict[str, float | int | None]
N = 1000
BATCH = 50


class Pair:
    """A model with its processor, loaded by name as every shipped model is."""

    NAME = ""

    def __init__(self, model: Any, processor: Any) -> None:
        self.model, self.processor = model, processor

    @classmethod
    def from_pretrained(cls, name: str) -> Pair:
        """By a shipped name or a folder.

        Raises:
            ValueError: there is none, or it holds something else, is damaged, or holds NaN.
        """
        folder = find_folder(name)
        model, processor = load(folder, cls.NAME)
        check_words(folder, model, processor)
        return cls(model, processor)


class Clip(Pair):
    """A CLIP."""

    NAME = "clip"


class Blip2(Pair):
    """A BLIP-2."""

    NAME = "blip2"


class Llava(Pair):
    """A LLaVA."""

    NAME = "llava"


class QwenVL(Pair):
    """A Qwen2.5-VL."""

    NAME = "qwen-vl"


def sides_of(model: Any) -> tuple[int, ...]:
    """Pixels of the sides of pictures that a model is shown: of one that takes any size, two."""
    vision = model.config.vision_config
    side = getattr(vision, "image_size", None)
    return (int(side),) if side else (8 * vision.patch_size, 12 * vision.patch_size)


def side_of(pair: Pair) -> int:
    """Pixels of a side of a picture that a model is shown, of several the smallest."""
    return sides_of(pair.model)[0]


def asked(n: int | None, least: int = 1) -> int:
    """How many examples to measure on: the card's if not said otherwise.

    Raises:
        ValueError: fewer than `least`.
    """
    n = N if n is None else n
    if n < least:
        raise ValueError(f"n must be at least {least}, got {n}")
    return n


def share(value: float, n: int, chance: float | None) -> Measurement:
    """A measurement as a card states it."""
    return {"value": value, "n": n, "chance": chance}


@torch.inference_mode()
def embed(pair: Pair, texts: Sequence[str] = (), pictures: Sequence[Image] = ()) -> Tensor:
    """Unit vectors (N, D) of texts, or of pictures."""
    out = []
    for at in range(0, len(texts) or len(pictures), BATCH):
        given: dict[str, Any] = (
            {"text": list(texts[at : at + BATCH]), "padding": True}
            if texts
            else {"images": list(pictures[at : at + BATCH])}
        )
        batch = pair.processor(**given, return_tensors="pt").to(pair.model.device)
        ask = pair.model.get_text_features if texts else pair.model.get_image_features
        out.append(ask(**batch).pooler_output.float())  # not normalised, and not a tensor itself
    return F.normalize(torch.cat(out), dim=-1)


def measure_clip(pair: Pair, n: int | None = None) -> dict[str, Measurement]:
    """What a CLIP finds and reads on `n` held-out pictures.

    Recall@1 by complete captions, from text and from picture; how often a picture's caption is
    preferred to that of the same scene with one attribute exchanged between two characters
    (`exchange`); and what is read of lone characters by prompts alone (`read_...`).

    Raises:
        ValueError: n below 2.
    """
    n = asked(n, 2)
    side = side_of(pair)
    scenes = distinct_scenes("test", n)
    seen = embed(pair, pictures=[render(scene, side) for scene in scenes])
    similarity = embed(pair, [caption(scene) for scene in scenes]) @ seen.T
    found = {
        "recall_text": share(recall_at_k(similarity, 1), n, 1 / n),
        "recall_picture": share(recall_at_k(similarity.T, 1), n, 1 / n),
    }
    both = exchanged("test", n)
    shown = embed(pair, pictures=[render(scene, side) for scene, _ in both])
    true, false = (embed(pair, [caption(two[k]) for two in both]) for k in (0, 1))
    preferred = (shown * true).sum(1) > (shown * false).sum(1)
    found["exchange"] = share(preferred.double().mean().item(), n, 0.5)
    lone = lone_scenes("test", n)
    alone = embed(pair, pictures=[render(scene, side) for scene in lone])
    for attribute in READABLE:
        asked_of = prompts(attribute)
        flat = embed(pair, [text for group in asked_of for text in group])
        said = zero_shot_predict(alone, flat.unflatten(0, (len(asked_of), -1)))
        right = said == torch.tensor([truth(scene, attribute) for scene in lone])
        found[f"read_{attribute}"] = share(right.double().mean().item(), n, 1 / len(asked_of))
    return found


def answers(pair: Pair, examples: Sequence[Example], tokens: int) -> list[str]:
    """What a model says to each."""
    out: list[str] = []
    for at in range(0, len(examples), BATCH):
        out += answer(pair.model, pair.processor, examples[at : at + BATCH], tokens)
    return out


def caption_shares(texts: Sequence[str], indices: Sequence[int]) -> tuple[float, float]:
    """Of captions of held-out scenes: the share of what they say that is true, and the number of
    true statements by that of a complete caption."""
    told = wrong = wanted = right = 0
    for text, index in zip(texts, indices):
        scene = sample_scene("test", index)
        said = len(read(text).facts)
        false, unread = check_scene(text, scene)
        errors = min(said, len(false)) + bool(unread)
        told, wrong = told + max(said, errors), wrong + errors
        complete = len(read(caption(scene, key=index)).facts)
        wanted, right = wanted + complete, right + min(complete, max(0, said - errors))
    return (told - wrong) / max(1, told), right / max(1, wanted)


def measure_blip2(pair: Pair, n: int | None = None) -> dict[str, Measurement]:
    """Captions of `n` held-out pictures: how much of what they say is true (`true`), and how much
    of a complete caption they say (`told`). The chance is that of captions of blank pictures."""
    n = asked(n)
    examples = [describe(i, "test", side_of(pair)) for i in range(n)]
    blind = [replace(e, pictures=(blank(side_of(pair)),)) for e in examples[:BATCH]]
    seen = caption_shares(answers(pair, examples, 96), range(n))
    unseen = caption_shares(answers(pair, blind, 96), range(len(blind)))
    return {"true": share(seen[0], n, unseen[0]), "told": share(seen[1], n, unseen[1])}


def by_kind(right: Mapping[str, list[bool]]) -> dict[str, float]:
    """Shares of each kind and of all."""
    every = [x for rows in right.values() for x in rows]
    shares = {kind: sum(rows) / max(1, len(rows)) for kind, rows in right.items()}
    return {"all": sum(every) / max(1, len(every)), **shares}


def measure_answers(
    pair: Pair, n: int | None = None, side: int | None = None
) -> dict[str, Measurement]:
    """Share of questions answered in the very words, over all kinds and by kind; the chance is what
    the same model answers to a blank picture. `blank` is how often it says that it can't tell
    there. Pictures have `side` pixels, or as many as `side_of` says."""
    n, side = asked(n), side or side_of(pair)
    indices = [i for i in range(2 * n + 10 * len(KINDS)) if not is_blank(i)][:n]
    examples = [question_of(i, "test", side) for i in indices]
    kinds = [KINDS[i % len(KINDS)] for i in indices]
    blind = [replace(e, pictures=(blank(side),)) for e in examples]
    said, guessed = answers(pair, examples, 12), answers(pair, blind, 12)
    tables: list[dict[str, list[bool]]] = []
    for texts in (said, guessed):
        table: dict[str, list[bool]] = {}
        for kind, text, example in zip(kinds, texts, examples):
            table.setdefault(kind, []).append(text == example.answer)
        tables.append(table)
    seen, unseen = by_kind(tables[0]), by_kind(tables[1])
    sizes = {"all": n, **{kind: len(rows) for kind, rows in tables[0].items()}}
    out = {f"right_{k.replace('/', '_')}": share(v, sizes[k], unseen[k]) for k, v in seen.items()}
    cant = sum(text == CANT_TELL for text in guessed) / max(1, n)
    return {**out, "blank": share(cant, n, None)}


def measure_llava(pair: Pair, n: int | None = None) -> dict[str, Measurement]:
    """`measure_answers`, and how well pages of stories are read as JSON under the grammar, narrowed
    by each page: F1 over all statements, and over each part; the chance is the F1 of another page's
    right answer. `extraction_schema` is F1 over all under the schema's grammar alone."""
    n = asked(n)
    found = measure_answers(pair, n)
    few = max(2, n // 4)
    examples = [structure_of(i, "test", side_of(pair)) for i in range(few)]
    right = [items(json.loads(example.answer)) for example in examples]
    grammar, stop = page_grammar(pair.processor), pair.processor.tokenizer.eos_token_id

    def read_by(narrowed: Narrowed | None) -> list[set[Item]]:
        said = []
        for at in range(0, few, BATCH):
            rules = Constrained(grammar, stop, narrowed=narrowed)
            batch = examples[at : at + BATCH]
            for text in answer(pair.model, pair.processor, batch, 256, logits_processor=[rules]):
                read_back = read_structure(text)  # None where 256 tokens were too few
                said.append(items(read_back) if read_back else set())
        return said

    said, other = read_by(on_the_page(pair.processor)), right[1:] + right[:1]
    for part in ("", "character", "place", "point"):
        name = f"extraction_{part or 'all'}"
        found[name] = share(f1(said, right, part), few, f1(other, right, part))
    found["extraction_schema"] = share(f1(read_by(None), right), few, f1(other, right))
    return found


@torch.inference_mode()
def measure_qwen(pair: Pair, n: int | None = None) -> dict[str, Measurement]:
    """`measure_answers`; the same over all kinds on larger pictures (`right_large`); and the share
    of pages of stories of which the parser reads every word, whose chance is that of the world's
    own pages."""
    n = asked(n)
    found = measure_answers(pair, n)
    found["right_large"] = measure_answers(pair, n, sides_of(pair.model)[-1])["right_all"]
    few = max(1, n // 10)
    examples = [page_of(i, "test", side_of(pair)) for i in range(few)]
    texts = answers(pair, examples, 120)
    pairs = [(e.prompt, text, e.answer) for e, text in zip(examples, texts, strict=True)]
    mine, right = (sum(readable_after(p[0], p[k]) for p in pairs) / few for k in (1, 2))
    return {**found, "pages_readable": share(mine, few, right)}


def readable_after(before: str, page: str) -> bool:
    """Whether a page says something, and the reader of stories, who has read the one before it, can
    read every word."""
    unread = check_story("\n\n".join(map(written, (before, page))))[1] if page else ((page,),)
    return not unread[-1]
