"""Everything that the card of `vqvae-prior` states, on scenes that no training step has seen."""

from __future__ import annotations

import math
from collections import Counter

import torch
from torch import Tensor

from mmcourse.storyworld import Scene, Tokenizer, caption, from_bytes
from mmcourse.storyworld.judge.measure import Measurement
from mmcourse.storyworld.judge.network import Judge
from mmcourse.storyworld.world.facts import Fact, facts
from mmcourse.training import evaluating
from mmcourse.vqvae.autoencoder import VQVAE
from mmcourse.vqvae.batches import decode_pictures
from mmcourse.vqvae.brief import brief
from mmcourse.vqvae.compress import bits_each
from mmcourse.vqvae.measure import held_out, through
from mmcourse.vqvae.prior import CodePrior
from mmcourse.vqvae.sample import sample_codes
from mmcourse.vqvae.usage import perplexity
from mmcourse.watching import watched

ASKED = ("place", "time", "weather", "number", "species", "colour")
"""What generated pictures are scored by: all that a brief caption says of a scene."""
GUIDANCE, TEMPERATURE = 2.0, 0.6
"""Chosen on held-out scenes 200 to 299, which the card's numbers leave out."""


@torch.no_grad()
def bits_with_caption(prior: CodePrior, codes: Tensor, texts: list[str]) -> float:
    """Mean bits a picture when its caption is known."""
    tokenizer, device, total = Tokenizer(), prior.tokens.weight.device, 0.0
    with evaluating(prior):
        for text, grid in watched(list(zip(texts, codes, strict=True)), "reading pictures"):
            ids, _ = tokenizer.encode([text])
            tokens, places = (x.to(device) for x in prior.shared.join(ids, grid[None], True))
            logits = prior.code_logits(prior(tokens[:, :-1], places[:, :-1]))
            cells = grid.numel()
            chosen = logits[0, -cells:].log_softmax(-1).gather(-1, grid.view(-1, 1).to(device))
            total -= chosen.sum().item() / math.log(2)
    return total / len(texts)


def drawn_from_captions(
    prior: CodePrior, model: VQVAE, texts: list[str], guidance: float, temperature: float
) -> Tensor:
    """One picture for each caption, uint8 (N, H, W, 3), drawn one after the other."""
    tokenizer, grids = Tokenizer(), []
    for i, text in enumerate(watched(texts, "drawing pictures")):
        ids, dice = tokenizer.encode([text])[0], torch.Generator().manual_seed(i)
        grids.append(
            sample_codes(prior, 1, ids, generator=dice, guidance=guidance, temperature=temperature)
        )
    return decode_pictures(model, torch.cat(grids))


def said_of_animals(known: frozenset[Fact], what: str) -> Counter[str]:
    """Each species or colour, and how many animals have it, wherever they stand."""
    return Counter(x for who, kind, x in known if kind == what and who.startswith("character"))


def adherence(judge: Judge, scenes: list[Scene], pictures: Tensor) -> dict[str, float]:
    """Share of each of `ASKED` that the judge reads in uint8 pictures (N, H, W, 3) as their scenes
    have it.

    Of species and colours, it is the share of the animals whose species, or colour, is that of an
    animal in the picture, each of which answers for one. Where an animal stands does not count: a
    brief caption does not say it. `number` is the share of pictures with as many animals as asked,
    without which a crowd would please every caption.
    """
    right, asked = Counter[str](), Counter[str]()
    readings = [r for part in from_bytes(pictures).split(64) for r in judge.read(part)]
    for scene, reading in zip(scenes, readings, strict=True):
        wanted, seen = facts(scene), reading.facts
        for kind in ("place", "time", "weather"):
            asked[kind] += 1
            right[kind] += ("scene", kind, getattr(scene, kind)) in seen
        for kind in ("species", "colour"):
            true, drawn = said_of_animals(wanted, kind), said_of_animals(seen, kind)
            asked[kind] += true.total()
            right[kind] += (true & drawn).total()
        asked["number"] += 1
        right["number"] += said_of_animals(seen, "species").total() == len(scene.characters)
    return {kind: right[kind] / asked[kind] for kind in ASKED}


def measure_prior(prior: CodePrior, n: int | None = None) -> dict[str, Measurement]:
    """Bits a picture without and with its caption or a brief one, beside a table's and the
    frequencies', and how often the judge reads in pictures drawn from brief captions what they ask
    for.

    Of the latter, `drawn_...` are with `GUIDANCE` and `unguided_...` without, both at
    `TEMPERATURE`. Beside each, `chance` is what the judge reads in pictures of other scenes, and
    `round_trip_...` what it reads in the true scenes after the VQ-VAE.

    Raises:
        ValueError: n below 2, where no other scene is left for chance.
    """
    n = 300 if n is None else n
    if n < 2:
        raise ValueError(f"n must be at least 2, got {n}")
    device = str(prior.tokens.weight.device)
    model = VQVAE.from_pretrained("vqvae", device=device).eval()
    judge = Judge.from_pretrained("judge", device=device).eval()
    scenes, pictures = held_out(n)
    codes, drawn = through(model, pictures)
    cells, size = codes[0].numel(), model.quantizer.num_codes
    texts, few_words = [caption(s) for s in scenes], [brief(s) for s in scenes]
    table = cells * math.log2(size)
    bits = {
        "bits_frequencies": cells * math.log2(float(perplexity(codes, size))),
        "bits_prior": bits_each(prior, codes).mean().item(),
        "bits_prior_caption": bits_with_caption(prior, codes, texts),
        "bits_prior_brief": bits_with_caption(prior, codes, few_words),
    }
    found: dict[str, Measurement] = {
        name: {"value": value, "n": n, "chance": table} for name, value in bits.items()
    }
    made = min(n, 200)
    some = scenes[:made]
    other = adherence(judge, some, pictures[:made].roll(1, 0))
    for kind, shown in (
        ("drawn", drawn_from_captions(prior, model, few_words[:made], GUIDANCE, TEMPERATURE)),
        ("unguided", drawn_from_captions(prior, model, few_words[:made], 1.0, TEMPERATURE)),
        ("round_trip", drawn[:made]),
    ):
        for attribute, value in adherence(judge, some, shown).items():
            chance = other[attribute]
            found[f"{kind}_{attribute}"] = {"value": value, "n": made, "chance": chance}
    return found
