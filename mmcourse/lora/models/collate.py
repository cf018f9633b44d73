"""Pictures, prompts and answers to a batch, with labels on the answers alone.

A processor knows where a model's picture goes and what surrounds a turn. So it makes the prompt,
and the answer's ids are put behind: however a tokenizer joins words, the edge between the two is
known exactly, and every key that the processor gives is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from PIL.Image import Image
from torch import Tensor

from mmcourse.lora.loss import IGNORED, answer_labels


@dataclass(frozen=True)
class Example:
    """What is asked about which pictures, and what should be answered; `more` is what is asked and
    answered after that, about the same pictures."""

    prompt: str
    answer: str
    pictures: tuple[Image, ...] = ()
    more: tuple[tuple[str, str], ...] = ()


def plain_text(text: str, processor: Any) -> str:
    """A text in which no mark of a model is left: `<image>` becomes `< image>`, and stays text."""
    marks = {*processor.tokenizer.all_special_tokens, image_mark(processor) or "<image>"}
    for mark in sorted((m for m in marks if len(m) > 1), key=len, reverse=True):
        text = text.replace(mark, f"{mark[0]} {mark[1:]}")
    return text


def check_picture(picture: object) -> Image:
    """A picture as every processor takes it.

    Raises:
        ValueError: something that is no picture.
    """
    if not isinstance(picture, Image):
        raise ValueError(
            f"a picture is a {type(picture).__name__}, expected a PIL image: open it with "
            "Image.open(path)"
        )
    return picture.convert("RGB")


def picture_id(processor: Any) -> int:
    """The id that stands for a piece of a picture, -1 if the model has none."""
    mark = image_mark(processor)
    return -1 if mark is None else processor.tokenizer.convert_tokens_to_ids(mark)


def image_mark(processor: Any) -> str | None:
    """The mark that stands for a piece of a picture, or None. BLIP-2's processor keeps it as an
    object of the tokenizers library, the others as text."""
    mark = getattr(processor, "image_token", None)
    return getattr(mark, "content", mark)


def prompts(processor: Any, examples: Sequence[Example]) -> list[dict[str, Tensor]]:
    """Each prompt as its processor makes it, one row each, ready for an answer.

    Raises:
        ValueError: a picture that is none; a picture that its prompt has no place for.
    """
    out = []
    for example in examples:
        pictures = [check_picture(p) for p in example.pictures]
        text = plain_text(example.prompt, processor)
        if getattr(processor, "chat_template", None):
            content: list[dict[str, Any]] = [{"type": "image", "image": p} for p in pictures]
            messages = [{"role": "user", "content": [*content, {"type": "text", "text": text}]}]
            row = processor.apply_chat_template(
                messages,
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
            )
        elif pictures:
            if len(pictures) > 1:
                raise ValueError(
                    f"{len(pictures)} pictures were given, and this model has a place for one"
                )
            row = processor(images=pictures[0], text=text, return_tensors="pt")
        else:
            row = processor.tokenizer(text, return_tensors="pt")
        row = dict(row)
        row.pop("token_type_ids", None)
        out.append(row)
    return out


def answer_ids(processor: Any, answer: str) -> Tensor:
    """An answer's ids and the mark that ends it, (N,).

    Raises:
        ValueError: an answer in words that the tokenizer does not know.
    """
    tokens = processor.tokenizer
    text = plain_text(answer, processor)
    ids = tokens(text, add_special_tokens=False)["input_ids"]
    unknown = tokens.unk_token_id
    if unknown is not None and unknown in ids:
        raise ValueError(f"the answer {answer!r} holds words that the tokenizer does not know")
    return torch.tensor([*ids, tokens.eos_token_id])


def turn_ids(processor: Any, prompt: str) -> Tensor:
    """The ids of a question that follows an answer, (N,): as its chat template writes a turn.

    Raises:
        ValueError: a processor without one.
    """
    if not getattr(processor, "chat_template", None):
        raise ValueError("this model answers one question about a picture: leave `more` empty")
    return torch.tensor(_turn(processor, plain_text(prompt, processor)))


@lru_cache(maxsize=8_192)
def _turn(processor: Any, text: str) -> tuple[int, ...]:
    """Cached, since a template takes longer than the tokenizer, and questions come back."""
    made = processor.apply_chat_template(
        [{"role": "user", "content": [{"type": "text", "text": text}]}],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    )
    ids = made["input_ids"][0].tolist()
    return tuple(ids[1:] if ids[0] == processor.tokenizer.bos_token_id else ids)


def pad_rows(rows: Sequence[dict[str, Tensor]], pad: int, left: bool) -> dict[str, Tensor]:
    """Rows (1, T) of unlike lengths to a batch; keys that are not per token are joined."""
    length = max(row["input_ids"].shape[1] for row in rows)
    batch: dict[str, list[Tensor]] = {}
    for row in rows:
        missing = length - row["input_ids"].shape[1]
        for key, value in row.items():
            if value.shape[:2] == row["input_ids"].shape:
                fill = {"input_ids": pad, "labels": -100}.get(key, 0)
                sides = (missing, 0) if left else (0, missing)
                value = torch.nn.functional.pad(value, sides, value=fill)
            batch.setdefault(key, []).append(value)
    return {key: torch.cat(parts) for key, parts in batch.items()}


def collate(processor: Any, examples: Sequence[Example]) -> dict[str, Tensor]:
    """A batch to learn from: what the processor gives, the answers behind it, and labels.

    Args:
        processor: of the model.
        examples: all with pictures, or all without.

    Returns:
        input_ids, attention_mask, labels (B, T), padded on the right, and whatever else the
        processor gave.

    Raises:
        ValueError: as `prompts` and `turn_ids`; an answer in unknown words; examples with and
            without pictures.
    """
    if len({bool(e.pictures) for e in examples}) != 1:
        raise ValueError("some examples have pictures and some have none: make two batches")
    rows = []
    for example, row in zip(examples, prompts(processor, examples)):
        answer = answer_ids(processor, example.answer)
        start, length = row["input_ids"].shape[1], len(answer)
        behind, asked = [answer], [(start, start)]
        for prompt, further in example.more:
            question, answer = turn_ids(processor, prompt), answer_ids(processor, further)
            asked.append((start + length, start + length + len(question)))
            behind += [question, answer]
            length += len(question) + len(answer)
        new = torch.cat(behind)[None]
        whole = {
            key: torch.cat((value, torch.ones_like(new) if key == "attention_mask" else
                            new if key == "input_ids" else torch.zeros_like(new)), 1)
            if value.shape[:2] == row["input_ids"].shape else value
            for key, value in row.items()
        }  # fmt: skip
        ids, mask = whole["input_ids"], whole["attention_mask"].bool()
        labels = answer_labels(ids, torch.tensor([start]), mask, picture_id(processor))
        for first, last in asked:
            labels[:, first:last] = IGNORED
        rows.append({**whole, "labels": labels})
    return pad_rows(rows, processor.tokenizer.pad_token_id, left=False)


def questions(processor: Any, examples: Sequence[Example]) -> dict[str, Tensor]:
    """A batch to generate from: the prompts alone, padded on the left."""
    return pad_rows(prompts(processor, examples), processor.tokenizer.pad_token_id, left=True)


def collate_pairs(processor: Any, examples: Sequence[Example]) -> dict[str, Tensor]:
    """Pictures and the texts that describe them (`answer`), for CLIP.

    Raises:
        ValueError: an example without exactly one picture, or a text that is too long.
    """
    if any(len(e.pictures) != 1 for e in examples):
        raise ValueError("each text of a pair has one picture")
    pictures = [check_picture(e.pictures[0]) for e in examples]
    texts = [plain_text(e.answer, processor) for e in examples]
    batch = dict(processor(text=texts, images=pictures, return_tensors="pt", padding=True))
    most = processor.tokenizer.model_max_length
    if batch["input_ids"].shape[1] > most:
        raise ValueError(f"a text has more than {most} tokens: shorten it, or it loses its end")
    return batch


def answer(
    model: Any, processor: Any, examples: Sequence[Example], tokens: int = 24, **how: Any
) -> list[str]:
    """What a model answers, greedily, without the prompts.

    Args:
        model: one that generates.
        processor: its own.
        examples: whose answers are not looked at.
        tokens: at most so many new ones.
        how: more for `generate`.
    """
    from mmcourse.lora.models.words import tidy

    given = {k: v.to(model.device) for k, v in questions(processor, examples).items()}
    with torch.inference_mode():
        out = model.generate(**given, max_new_tokens=tokens, do_sample=False, **how)
    new = out[:, given["input_ids"].shape[1] :]
    return [tidy(t) for t in processor.tokenizer.batch_decode(new, skip_special_tokens=True)]
