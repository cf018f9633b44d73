"""Measure a joint model on scenes that it has never seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count, cycle, islice, product

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.joint.model import JointModel
from mmcourse.joint.retrieval import recall_at_k, zero_shot_predict
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
from mmcourse.storyworld.language.words import (
    BARE,
    DOES,
    FEELS,
    PLACE,
    TIME,
    WEARS,
    WEATHER,
    article,
)
from mmcourse.training import evaluating
from mmcourse.watching import watched

Measurement = dict[str, float | int]
"""{"value", "n", "chance"} and, for a card, "band": how far a new measurement may lie away."""


def embed_texts(
    model: JointModel,
    texts: Sequence[str],
    tokenizer: Tokenizer | None = None,
    batch_size: int = 256,
) -> Tensor:
    """Texts to unit vectors (N, D), on the CPU.

    Raises:
        ValueError: a word outside the vocabulary, or weights that were trained with another one.
    """
    tokenizer, device = known_words(model, tokenizer), model.logit_scale.device
    rows = []
    with evaluating(model):
        for start in watched(range(0, len(texts), batch_size), "reading captions"):
            ids, mask = tokenizer.encode(texts[start : start + batch_size])
            rows.append(model.encode_text(ids.to(device), mask.to(device)).cpu())
    return torch.cat(rows) if rows else torch.empty(0, model.text_projection.out_features)


def known_words(model: JointModel, tokenizer: Tokenizer | None = None) -> Tokenizer:
    """The tokenizer (default: StoryWorld's), if the model was trained with its vocabulary.

    Raises:
        ValueError: weights of another vocabulary.
    """
    tokenizer = tokenizer or Tokenizer()
    if model.vocabulary not in (None, tokenizer.fingerprint):
        raise ValueError(
            f"these weights know vocabulary {model.vocabulary}, this package has "
            f"{tokenizer.fingerprint}; use the version of mmcourse that trained them"
        )
    return tokenizer


def embed_pictures(model: JointModel, pictures: Tensor, batch_size: int = 256) -> Tensor:
    """uint8 pictures (N, H, W, 3) to unit vectors (N, D), on the CPU."""
    device = model.logit_scale.device
    batches = watched(pictures.split(batch_size), "looking at pictures")
    with evaluating(model):
        return torch.cat([model.encode_image(from_bytes(b).to(device)).cpu() for b in batches])


def check_n(n: int) -> None:
    """Refuse to measure on nothing.

    Raises:
        ValueError: n below 1.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")


def distinct_scenes(split: str, n: int, seed: int = 0) -> list[Scene]:
    """The first n scenes of a split that all look different.

    Raises:
        ValueError: n below 1.
    """
    check_n(n)
    found: dict[int, Scene] = {}
    index = 0
    while len(found) < n:
        scene = sample_scene(split, index, seed)
        found.setdefault(scene.fingerprint(), scene)
        index += 1
    return list(found.values())


def lone_scenes(split: str, n: int, seed: int = 0) -> list[Scene]:
    """The first n scenes of a split with one character and no thing; errors as above."""
    check_n(n)
    scenes = (sample_scene(split, i, seed) for i in count())
    return list(islice((s for s in scenes if len(s.characters) == 1 and not s.things), n))


def prompts(attribute: str) -> list[list[str]]:
    """For each value of an attribute, prompts that state it and say nothing else of that kind.

    A prompt has to name some animal, so every animal is named once: what they share is the value.
    """
    animals = ATTRIBUTES["species"]
    if attribute == "species":
        return [[f"{article(c)} {s}" for c in ATTRIBUTES["colour"]] for s in animals]
    if attribute == "colour":
        return [[f"{article(value)} {s}" for s in animals] for value in ATTRIBUTES["colour"]]
    said_after: dict[str, Mapping[str, tuple[str, ...]]] = {
        "accessory": {"none": BARE, **WEARS},
        "action": DOES,
        "place": PLACE,
        "time": TIME,
        "weather": WEATHER,
    }
    if attribute == "mood":
        return [
            [f"{article(phrase)} {s}" for s, phrase in product(animals, FEELS[mood])]
            for mood in ATTRIBUTES["mood"]
        ]
    phrases = [said_after[attribute][value] for value in ATTRIBUTES[attribute]]
    most = max(len(p) for p in phrases)  # as many prompts for each value, so that none weighs more
    return [
        [f"{article(s)} {phrase}" for s, phrase in product(animals, islice(cycle(p), most))]
        for p in phrases
    ]


def class_embeddings(model: JointModel, attribute: str) -> Tensor:
    """(C, P, D): the prompts of each value of an attribute, as unit vectors."""
    texts = prompts(attribute)
    flat = embed_texts(model, [t for group in texts for t in group])
    return flat.unflatten(0, (len(texts), -1))


def truth(scene: Scene, attribute: str) -> int:
    """The index of an attribute's value in a scene with one character."""
    owner = scene if attribute in ("place", "time", "weather") else scene.characters[0]
    return ATTRIBUTES[attribute].index(getattr(owner, attribute))


READABLE = ("species", "colour", "accessory", "mood", "action", "place", "time", "weather")


def measure_retrieval(
    model: JointModel, split: str = "test", n: int = 1000
) -> dict[str, Measurement]:
    """Recall among n scenes that differ, by their complete captions, both ways."""
    scenes = distinct_scenes(split, n)
    text = embed_texts(model, [caption(s) for s in scenes])
    image = embed_pictures(
        model, render_bytes(watched(scenes, "drawing scenes"), model.image_tower.size)
    )
    similarity = text @ image.T
    return {
        f"{way}_recall_at_{k}": {"value": recall_at_k(matrix, k), "n": n, "chance": k / n}
        for way, matrix in (("t2i", similarity), ("i2t", similarity.T))
        for k in (1, 5)
    }


def measure_zero_shot(
    model: JointModel, split: str = "test", n: int = 1000
) -> dict[str, Measurement]:
    """Share of scenes with one character whose attribute is read right, by prompts alone."""
    scenes = lone_scenes(split, n)
    image = embed_pictures(
        model, render_bytes(watched(scenes, "drawing scenes"), model.image_tower.size)
    )
    result: dict[str, Measurement] = {}
    for attribute in READABLE:
        predicted = zero_shot_predict(image, class_embeddings(model, attribute))
        right = predicted == torch.tensor([truth(s, attribute) for s in scenes])
        result[f"zero_shot_{attribute}"] = {
            "value": right.double().mean().item(),
            "n": n,
            "chance": 1 / len(ATTRIBUTES[attribute]),
        }
    return result


def swap_colours(scene: Scene) -> Scene:
    """The same scene with the colours of its first two characters exchanged."""
    a, b, *rest = scene.characters
    return replace(
        scene, characters=(replace(a, colour=b.colour), replace(b, colour=a.colour), *rest)
    )


def swappable_scenes(split: str, n: int, seed: int = 0) -> list[Scene]:
    """Scenes of two different animals of different colours whose exchange the training data know:
    neither side shows a held-out pair, so no caption gives itself away as strange. Errors as
    `distinct_scenes`."""
    check_n(n)
    found: list[Scene] = []
    index = 0
    while len(found) < n:
        scene = sample_scene(split, index, seed)
        index += 1
        if len(scene.characters) != 2 or scene.things:
            continue
        a, b = scene.characters
        differ = a.species != b.species and a.colour != b.colour
        if differ and not held_out_pairs(swap_colours(scene)):
            found.append(scene)
    return found


def measure_binding(model: JointModel, split: str = "test", n: int = 500) -> dict[str, Measurement]:
    """How often the true caption scores above the same caption with two colours exchanged."""
    scenes = swappable_scenes(split, n)
    image = embed_pictures(
        model, render_bytes(watched(scenes, "drawing scenes"), model.image_tower.size)
    )
    true = embed_texts(model, [short_caption(s) for s in scenes])
    swapped = embed_texts(model, [short_caption(swap_colours(s)) for s in scenes])
    wins = F.cosine_similarity(image, true) > F.cosine_similarity(image, swapped)
    return {"binding_swap": {"value": wins.double().mean().item(), "n": n, "chance": 0.5}}


def short_caption(scene: Scene) -> str:
    """Two animals and their colours, and nothing else."""
    first, second = (article(f"{c.colour} {c.species}") for c in scene.characters)
    return f"{first} and {second}"
