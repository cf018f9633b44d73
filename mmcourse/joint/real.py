"""The same two towers on real photographs: CIFAR-10, captioned with the names of its classes."""

from __future__ import annotations

from collections.abc import Iterator

from mmcourse.datasets import CAPTION_TEMPLATES, LabelledPictures, class_caption
from mmcourse.joint.evaluate import Measurement, embed_pictures, embed_texts
from mmcourse.joint.model import JointModel
from mmcourse.joint.pairs import Pairs
from mmcourse.joint.retrieval import zero_shot_predict
from mmcourse.joint.train import Metrics, train
from mmcourse.storyworld import Tokenizer

STEPS = {"smoke": 5, "cpu": 250, "gpu": 3_000, "full": 3_000}
"""Optimiser steps of each tier, with 96 pairs in a batch."""


def class_tokenizer(data: LabelledPictures) -> Tokenizer:
    """A tokenizer for the words of the class captions."""
    return Tokenizer(
        word
        for label in range(len(data.class_names))
        for i in range(len(CAPTION_TEMPLATES))
        for word in Tokenizer.split(class_caption(label, i, data.class_names))
    )


def class_pairs(data: LabelledPictures, seed: int = 0) -> Pairs:
    """Photographs with captions of their classes, a new phrasing at every step."""
    labels = data.labels.tolist()
    return Pairs(
        data.resized().permute(0, 2, 3, 1).contiguous(),
        lambda index, step: class_caption(labels[index], index + step, data.class_names),
        class_tokenizer(data),
        seed,
    )


def train_on_classes(model: JointModel, data: LabelledPictures, tier: str) -> Iterator[Metrics]:
    """Train as on StoryWorld. A batch holds each class several times, so even perfect towers
    cannot pick out *their* picture: the loss ends near the logarithm of that number, not near 0."""
    return train(model, class_pairs(data), steps=STEPS[tier], batch_size=96)


def build_for_classes(data: LabelledPictures) -> JointModel:
    """Untrained towers for photographs of this size and for the words of the class captions."""
    tokenizer = class_tokenizer(data)
    return JointModel(len(tokenizer), size=data.size, vocabulary=tokenizer.fingerprint)


def measure_classes(model: JointModel, data: LabelledPictures) -> Measurement:
    """Share of photographs whose class is read right by prompts alone."""
    tokenizer, classes = class_tokenizer(data), len(data.class_names)
    prompts = [
        class_caption(label, i, data.class_names)
        for label in range(classes)
        for i in range(len(CAPTION_TEMPLATES))
    ]
    text = embed_texts(model, prompts, tokenizer).unflatten(0, (classes, -1))  # (C, P, D)
    image = embed_pictures(model, data.resized().permute(0, 2, 3, 1))
    right = zero_shot_predict(image, text) == data.labels
    return {"value": right.double().mean().item(), "n": len(data), "chance": 1 / classes}
