"""Measure the fused encoder: does a text fit, which word was hidden, and who wears what?"""

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
    short_caption,
    swap_colours,
    swappable_scenes,
)
from mmcourse.joint.model import JointModel
from mmcourse.storyworld import (
    ATTRIBUTES,
    Scene,
    Tokenizer,
    caption,
    from_bytes,
    held_out_pairs,
    render_bytes,
    sample_scene,
)
from mmcourse.storyworld import words as w
from mmcourse.storyworld.dice import Dice
from mmcourse.storyworld.families import change_one
from mmcourse.storyworld.phrases import tokens


@torch.no_grad()
def picture_cells(model: JointModel, pictures: Tensor, batch_size: int = 256) -> Tensor:
    """uint8 pictures (N, H, W, 3) to the image tower's tokens (N, S, dim), on the CPU."""
    device = model.logit_scale.device
    parts = pictures.split(batch_size)
    return torch.cat([model.image_tower(from_bytes(b).to(device))[1].cpu() for b in parts])


@torch.no_grad()
def match_logits(
    model: JointModel, texts: Sequence[str], cells: Tensor, batch_size: int = 128
) -> Tensor:
    """(N,): logits of "text i is true of picture i", the picture given by its cells (N, S, dim)."""
    tokenizer, device = Tokenizer(), model.logit_scale.device
    rows = []
    for start in range(0, len(texts), batch_size):
        ids, mask = tokenizer.encode(texts[start : start + batch_size])
        part = cells[start : start + batch_size].to(device)
        rows.append(model.match(ids.to(device), mask.to(device), part).cpu())
    return torch.cat(rows)


def share(right: Tensor, chance: float) -> Measurement:
    """A share of right answers as a card states it."""
    return {"value": right.double().mean().item(), "n": len(right), "chance": chance}


def hard_negative(scene: Scene, key: int) -> Scene:
    """The same scene but for one attribute, and no pair in it that training never shows."""
    dice = Dice("hard negative", scene.fingerprint(), key)
    while True:
        try:
            changed = change_one(scene, dice)
        except ValueError:  # it would contradict the rest of the scene
            continue
        if changed.fingerprint() != scene.fingerprint() and not held_out_pairs(changed):
            return changed


def measure_matching(
    model: JointModel, split: str = "test", n: int = 1000
) -> dict[str, Measurement]:
    """How often the fused encoder says rightly whether a caption fits: n true captions, and n that
    are wrong in one attribute; by number of characters, and with the picture blanked."""
    scenes = distinct_scenes(split, n)
    texts = [caption(s) for s in scenes] + [
        caption(hard_negative(s, i)) for i, s in enumerate(scenes)
    ]
    pictures = render_bytes(scenes, model.image_tower.size)
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
    out["matching_blank"] = share(logits[:n] > logits[n:], 0.5)
    return out


def measure_fused_binding(
    model: JointModel, split: str = "test", n: int = 500
) -> dict[str, Measurement]:
    """`measure_binding`, answered by the fused encoder."""
    scenes = swappable_scenes(split, n)
    cells = picture_cells(model, render_bytes(scenes, model.image_tower.size))
    true = match_logits(model, [short_caption(s) for s in scenes], cells)
    swapped = match_logits(model, [short_caption(swap_colours(s)) for s in scenes], cells)
    return {"binding_swap_fused": share(true > swapped, 0.5)}


# -- hidden words ----------------------------------------------------------------------------------

TELLING: dict[str, tuple[str, str]] = {
    **{word: ("mood", mood) for mood, said in w.FEELS.items() for word in said},
    **{c: ("colour", c) for c in ATTRIBUTES["colour"]},
    **{s: ("species", s) for s in ATTRIBUTES["species"]},
    **{k: ("kind", k) for k in ATTRIBUTES["kind"]},
    **{a: ("accessory", a) for a in w.WORN},
    **{said.split()[-1]: ("action", a) for a, told in w.DOES.items() for said in told[:2]},
    **{told[0].split()[-1]: ("place", p) for p, told in w.PLACE.items() if told[0][:3] == "in "},
}
"""Words that tell one value of one attribute, and nothing else."""


def guessing(attribute: str) -> float:
    """The chance of guessing a hidden word's value among those that have words in `TELLING`."""
    return 1 / len({value for a, value in TELLING.values() if a == attribute})


def only_the_picture_tells(scene: Scene, words: Sequence[str]) -> list[int]:
    """Which words of a caption could not be guessed from its other words.

    Left out is what is said twice, what an article gives away ("an" before "orange"), what another
    part of its phrase does ("waves hello", "a kite floats"), and moods and actions where two
    interact (who quarrels is cross).
    """
    told = [TELLING.get(word) for word in words]
    found = []
    for i, fact in enumerate(told):
        before, after = words[max(i - 1, 0)], words[min(i + 1, len(words) - 1)]
        if fact is None or told.count(fact) > 1:
            continue
        attribute = fact[0]
        if before in ("a", "an") and attribute != "accessory":
            continue
        if attribute == "action" and after in ("still", "hello", "up", "down"):
            continue
        if attribute == "kind" and after in ("lies", *w.LIES.values()):
            continue
        if attribute in ("mood", "action") and scene.interaction is not None:
            continue
        if attribute == "place" and words[max(i - 2, 0) : i] != ["in", "the"]:
            continue
        found.append(i)
    return found


def measure_words(model: JointModel, split: str = "test", n: int = 1000) -> dict[str, Measurement]:
    """One hidden word in each of n captions: how often the value that it tells is recovered, with
    the picture and with a blank one. A synonym is as good as the word."""
    tokenizer, device = Tokenizer(), model.logit_scale.device
    asked: list[tuple[Scene, list[str], int]] = []
    for i in count():
        if len(asked) == n:
            break
        scene = sample_scene(split, i)
        words = tokens(caption(scene))
        places = only_the_picture_tells(scene, words)
        if places:
            asked.append((scene, words, Dice("hidden word", i).pick(places)))
    pictures = render_bytes([scene for scene, _, _ in asked], model.image_tower.size)
    cells = picture_cells(model, pictures)
    blank = picture_cells(model, torch.full_like(pictures[:1], 128))
    ids, mask = tokenizer.encode([" ".join(words) for _, words, _ in asked])
    hidden = torch.tensor([i + 1 for _, _, i in asked])  # after the start token
    rows = torch.arange(n)
    ids[rows, hidden] = tokenizer.mask
    truth = [TELLING[words[i]] for _, words, i in asked]
    right: dict[str, list[bool]] = {"picture": [], "blank": []}
    with torch.no_grad():
        for part in rows.split(128):
            for what in right:
                seen = cells[part] if what == "picture" else blank.expand(len(part), -1, -1)
                read = model.fuse(ids[part].to(device), mask[part].to(device), seen.to(device))
                named = model.reader.word(read[torch.arange(len(part)), hidden[part]]).argmax(-1)
                right[what] += [
                    TELLING.get(tokenizer.words[word]) == truth[i]
                    for word, i in zip(named.tolist(), part.tolist(), strict=True)
                ]
    chance = sum(guessing(attribute) for attribute, _ in truth) / n
    out = {
        "words": share(torch.tensor(right["picture"]), chance),
        "words_blank": share(torch.tensor(right["blank"]), chance),
    }
    for attribute in dict.fromkeys(a for a, _ in TELLING.values()):
        chosen = [r for r, (a, _) in zip(right["picture"], truth, strict=True) if a == attribute]
        if chosen:
            out[f"words_{attribute}"] = share(torch.tensor(chosen), guessing(attribute))
    return out


# -- who is it that ...? ---------------------------------------------------------------------------

ASKED = ("colour", "accessory", "mood", "action")


def statement(species: str, attribute: str, value: str) -> str:
    """The shortest text that says this one thing of an animal."""
    if attribute in ("colour", "mood"):
        return f"{w.article(value)} {species}"
    if attribute == "action":
        return f"{w.article(species)} {w.DOES[value][0]}"
    return f"{w.article(species)} {w.BARE[0] if value == 'none' else w.WEARS[value][0]}"


def crowds(split: str, k: int, n: int) -> list[Scene]:
    """The first n scenes of k animals of different species."""
    scenes = (sample_scene(split, i) for i in count())
    of_k = (s for s in scenes if len({c.species for c in s.characters}) == k == len(s.characters))
    return list(islice(of_k, n))


def measure_crowds(model: JointModel, split: str = "test", n: int = 200) -> dict[str, Measurement]:
    """Read each attribute of one animal among k by the best of all statements about it, by the
    towers and by the fused encoder."""
    out: dict[str, Measurement] = {}
    for k in (1, 2, 3):
        scenes = crowds(split, k, n)
        pictures = render_bytes(scenes, model.image_tower.size)
        cells, image = picture_cells(model, pictures), embed_pictures(model, pictures)
        for attribute in ASKED:
            values = ATTRIBUTES[attribute]
            texts = [
                statement(s.characters[i % k].species, attribute, value)
                for i, s in enumerate(scenes)
                for value in values
            ]
            truth = torch.tensor(
                [
                    values.index(getattr(s.characters[i % k], attribute))
                    for i, s in enumerate(scenes)
                ]
            )
            text = embed_texts(model, texts).unflatten(0, (n, -1))  # (n, values, D)
            cosines = F.cosine_similarity(text, image[:, None], dim=-1)  # (n, values)
            many = cells.repeat_interleave(len(values), 0)
            fused = match_logits(model, texts, many).unflatten(0, (n, -1))
            for reader, scores in (("towers", cosines), ("fused", fused)):
                out[f"{reader}_{attribute}_of_{k}"] = share(
                    scores.argmax(1) == truth, 1 / len(values)
                )
    return out
