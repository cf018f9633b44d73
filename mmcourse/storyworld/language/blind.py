"""Answer questions without the picture: if they are fair, nobody does better than chance."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import pairwise

import torch
import torch.nn.functional as F

from mmcourse.storyworld.language.asking import sample_question
from mmcourse.storyworld.language.questions import KINDS, Question
from mmcourse.storyworld.world import sampling


def _label(question: Question, kind: str) -> str:
    """What is to be guessed: the answer, or for "unanswerable" whether there is one."""
    return question.answer if kind != "unanswerable" else str(question.answerable)


def _majority(train: list[tuple[str, str]], test: list[tuple[str, str]]) -> float:
    """Remember the most frequent answer to each question, word for word."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for text, label in train:
        counts[text][label] += 1
        counts[""][label] += 1
    best = {text: found.most_common(1)[0][0] for text, found in counts.items()}
    return sum(best.get(text, best[""]) == label for text, label in test) / len(test)


def _regression(train: list[tuple[str, str]], test: list[tuple[str, str]]) -> float:
    """Multinomial logistic regression on the question's words and pairs of words."""

    def grams(text: str) -> list[str]:
        words = text.strip("?").split()
        return [*words, *(" ".join(p) for p in pairwise(words))]

    columns = {g: i for i, g in enumerate(sorted({g for t, _ in train for g in grams(t)}))}
    labels = {x: i for i, x in enumerate(sorted({x for _, x in train}))}

    def matrix(rows: list[tuple[str, str]]) -> torch.Tensor:
        x = torch.zeros(len(rows), len(columns))
        for i, (text, _) in enumerate(rows):
            for g in grams(text):
                if g in columns:
                    x[i, columns[g]] = 1.0
        return x

    x, y = matrix(train), torch.tensor([labels[label] for _, label in train])
    weight = torch.zeros(len(columns), len(labels), requires_grad=True)
    bias = torch.zeros(len(labels), requires_grad=True)
    optimiser = torch.optim.Adam([weight, bias], lr=0.05)
    for _ in range(100):
        loss = F.cross_entropy(x @ weight + bias, y) + 1e-3 * weight.square().sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    names = list(labels)
    guesses = (matrix(test) @ weight + bias).argmax(1).tolist()
    return sum(names[g] == label for g, (_, label) in zip(guesses, test)) / len(test)


def measure_blind(n: int = 2000, seed: int = 0) -> dict[str, dict[str, float | int]]:
    """The best answers without the picture, by kind of question.

    Two answerers learn from `n` questions about scenes of the training split and answer `n`
    about the test split: one remembers each question's most frequent answer, one is a logistic
    regression on words and pairs of words.

    Returns:
        By kind: {"value" (the better of the two), "majority", "regression", "chance", "n"}.
        Chance is the mean of 1 / (number of equally likely answers).
    """
    out: dict[str, dict[str, float | int]] = {}
    for kind in KINDS:
        asked = {
            s: [sample_question(kind, s, i, seed) for i in range(n)] for s in ("train", "test")
        }
        rows = {s: [(a.question.text, _label(a.question, kind)) for a in found]
                for s, found in asked.items()}  # fmt: skip
        majority = _majority(rows["train"], rows["test"])
        regression = _regression(rows["train"], rows["test"])
        chance = sum(1 / a.choices for a in asked["test"]) / n
        out[kind] = {"value": max(majority, regression), "majority": majority,
                     "regression": regression, "chance": chance, "n": n}  # fmt: skip
    return out


def best_guess(group: str, row: Mapping[str, object], attribute: str) -> float:
    """How often the best guess of an attribute is right without the picture, all else being known.

    Args:
        group: "character", "thing" or "scene", whose attributes are known.
        row: their values, such as `vars(character)`; others are passed over.
        attribute: the one that is guessed.

    Returns:
        The probability of the likeliest value among scenes without held-out pairs.
    """
    rows, totals = sampling._rows(group, False)
    names = list(sampling.GROUPS[group])
    weight: dict[str, int] = {}
    for values, upto, before in zip(rows, totals, [0, *totals], strict=False):
        look = dict(zip(names, values, strict=True))
        if all(look[k] == row[k] for k in names if k != attribute):
            weight[look[attribute]] = weight.get(look[attribute], 0) + upto - before
    return max(weight.values()) / sum(weight.values())
