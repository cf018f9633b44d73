"""Measure the fused encoder: does a text fit, where is it wrong, and who wears what?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count, islice

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.joint.evaluate import (
    Measurement,
    distinct_scenes,
    embed_pictures,
    embed_texts,
    known_words,
    short_caption,
    swap_colours,
    swappable_scenes,
)
from mmcourse.joint.model import JointModel
from mmcourse.joint.negatives import is_true
from mmcourse.storyworld import (
    ATTRIBUTES,
    Scene,
    caption,
    describe,
    from_bytes,
    held_out_pairs,
    render_bytes,
    sample_scene,
)
from mmcourse.storyworld.language import words as w
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.facts import truths
from mmcourse.storyworld.world.families import change_one
from mmcourse.storyworld.world.sampling import held_out
from mmcourse.watching import watched


@torch.no_grad()
def picture_cells(model: JointModel, pictures: Tensor, batch_size: int = 256) -> Tensor:
    """uint8 pictures (N, H, W, 3) to the image tower's tokens (N, S, dim), on the CPU."""
    device = model.logit_scale.device
    parts = watched(pictures.split(batch_size), "looking at pictures")
    return torch.cat([model.image_tower(from_bytes(b).to(device))[1].cpu() for b in parts])


@torch.no_grad()
def match_logits(
    model: JointModel, texts: Sequence[str], cells: Tensor, batch_size: int = 128
) -> Tensor:
    """(N,): logits of "text i is true of picture i", the picture given by its cells (N, S, dim)."""
    tokenizer, device = known_words(model), model.logit_scale.device
    rows = []
    for start in watched(range(0, len(texts), batch_size), "matching captions"):
        ids, mask = tokenizer.encode(texts[start : start + batch_size])
        part = cells[start : start + batch_size].to(device)
        rows.append(model.match(ids.to(device), mask.to(device), part).cpu())
    return torch.cat(rows)


def share(right: Tensor, chance: float) -> Measurement:
    """A share of right answers as a card states it."""
    return {"value": right.double().mean().item(), "n": len(right), "chance": chance}


def wrong_caption(scene: Scene, key: int = 0) -> str:
    """A complete caption of the same scene but for one attribute, which is false of the scene.

    It shows no pair of values that training never shows, so it does not give itself away.
    """
    dice = Dice("wrong caption", scene.fingerprint(), key)
    shown = truths(scene)
    while True:
        try:
            changed = change_one(scene, dice)
        except ValueError:  # it would contradict the rest of the scene
            continue
        told = describe(changed, key)
        if not held_out_pairs(changed) and not is_true(told.said, shown):
            return told.text


def measure_matching(
    model: JointModel, split: str = "test", n: int = 1000
) -> dict[str, Measurement]:
    """How often the fused encoder says rightly whether a caption fits: n true captions, and n that
    are wrong in one attribute; by number of characters. And, with a grey square in place of the
    picture, how often it prefers the true caption to the wrong one: what the texts alone betray."""
    scenes = distinct_scenes(split, n)
    texts = [caption(s) for s in scenes] + [wrong_caption(s) for s in scenes]
    pictures = render_bytes(watched(scenes, "drawing scenes"), model.image_tower.size)
    cells = picture_cells(model, pictures).repeat(2, 1, 1)
    fits = torch.arange(2 * n) < n
    right = (match_logits(model, texts, cells) > 0) == fits
    number = torch.tensor([len(s.characters) for s in scenes]).repeat(2)
    blank = picture_cells(model, torch.full_like(pictures[:1], 128)).expand(2 * n, -1, -1)
    logits = match_logits(model, texts, blank)
    out = {"matching": share(right, 0.5)}
    for k in (1, 2, 3):
        if (number == k).any():
            out[f"matching_of_{k}"] = share(right[number == k], 0.5)
    out["matching_blank_preferred"] = share(logits[:n] > logits[n:], 0.5)
    return out


def measure_fused_binding(
    model: JointModel, split: str = "test", n: int = 500
) -> dict[str, Measurement]:
    """`measure_binding`, answered by the fused encoder."""
    scenes = swappable_scenes(split, n)
    cells = picture_cells(
        model, render_bytes(watched(scenes, "drawing scenes"), model.image_tower.size)
    )
    true = match_logits(model, [short_caption(s) for s in scenes], cells)
    swapped = match_logits(model, [short_caption(swap_colours(s)) for s in scenes], cells)
    return {"binding_swap_fused": share(true > swapped, 0.5)}


ASKED = ("colour", "accessory", "mood", "action")


def statement(species: str, attribute: str, value: str) -> str:
    """The shortest text that says this one thing of an animal."""
    if attribute in ("colour", "mood"):
        return f"{w.article(value)} {species}"
    if attribute == "action":
        return f"{w.article(species)} {w.DOES[value][0]}"
    return f"{w.article(species)} {w.BARE[0] if value == 'none' else w.WEARS[value][0]}"


def crowds(split: str, k: int, n: int) -> list[Scene]:
    """The first n scenes of k animals of different species, seen from a few steps away, who do
    nothing to each other: where two interact, both stand."""
    scenes = (sample_scene(split, i) for i in count())
    return list(
        islice(
            (
                s
                for s in scenes
                if len({c.species for c in s.characters}) == k == len(s.characters)
                and s.interaction is None
                and s.camera == "medium"
            ),
            n,
        )
    )


def measure_crowds(model: JointModel, split: str = "test", n: int = 200) -> dict[str, Measurement]:
    """Read each attribute of one animal among k by the best of all statements about it, by the
    towers and, if there is one, by the fused encoder. Values that training never shows with its
    species are not among the answers."""
    out: dict[str, Measurement] = {}
    for k in (1, 2, 3):
        scenes = crowds(split, k, n)
        pictures = render_bytes(watched(scenes, "drawing scenes"), model.image_tower.size)
        image = embed_pictures(model, pictures)
        for attribute in ASKED:
            who = [s.characters[i % k] for i, s in enumerate(scenes)]
            never = held_out("species", attribute)
            options = [
                [x for x in ATTRIBUTES[attribute] if (c.species, x) not in never] for c in who
            ]
            texts = [
                statement(c.species, attribute, x)
                for c, values in zip(who, options, strict=True)
                for x in values
            ]
            of = torch.tensor([i for i, values in enumerate(options) for _ in values])
            read = {"towers": F.cosine_similarity(embed_texts(model, texts), image[of], dim=-1)}
            if model.fused is not None:
                read["fused"] = match_logits(model, texts, picture_cells(model, pictures)[of])
            chance = sum(1 / len(values) for values in options) / n
            for reader, scores in read.items():
                right = [
                    values[int(part.argmax())] == getattr(c, attribute)
                    for c, values, part in zip(
                        who, options, scores.split([len(x) for x in options]), strict=True
                    )
                ]
                out[f"{reader}_{attribute}_of_{k}"] = share(torch.tensor(right), chance)
    return out
