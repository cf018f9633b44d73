"""Core: how often is the right picture among the k best?"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcourse.exercises.kit import Task, calls, gives, holds, near, raw, unchanged
from mmcourse.joint import retrieval

STUB = '''
@exercise("ch01.recall_at_k")
def recall_at_k(similarity, k):
    """Share of rows whose match is among the row's k best columns.

    similarity: (N, N); the match of row i is column i.  k: from 1 to N.
    Returns a number from 0 to 1. A column with the same score as the match counts as ahead of
    it: a model that gives every pair the same score has found nothing.
    """
    raise NotImplementedError
'''


def by_hand(similarity: Tensor, k: int) -> float:
    """Row by row: how many others score at least as much as the match?"""
    rows = similarity.tolist()
    found = 0
    for i, row in enumerate(rows):
        ahead = [j for j, score in enumerate(row) if j != i and score >= row[i]]
        found += len(ahead) < k
    return found / len(rows)


def _three() -> Tensor:
    return torch.tensor([[0.9, 0.1, 0.2], [0.3, 0.5, 0.4], [0.8, 0.7, 0.6]])


three_rows = gives(
    "three rows by hand: two find their match at once, the third at k = 3",
    ((_three(), 1), 2 / 3),
    ((_three(), 2), 2 / 3),
    ((_three(), 3), 1.0),
    compare=near,
)


@holds("the same score everywhere finds nothing, until k is N")
def ties(answer: Any) -> None:
    flat = torch.full((4, 4), 0.5)
    near(answer(flat, 1), 0.0, "Every pair has the same score, so nothing was found.")
    near(answer(flat, 3), 0.0, "Every pair has the same score, so nothing was found.")
    near(answer(flat, 4), 1.0, "All four columns count, so every match is among them.")


@holds("a tie at the edge of the k best counts against, and nearly the same is no tie")
def tie_at_the_edge(answer: Any) -> None:
    edge = torch.tensor([[0.5, 0.5, 0.1], [0.2, 0.9, 0.1], [0.7, 0.6, 0.6]])
    for k in (1, 2, 3):
        near(answer(edge, k), by_hand(edge, k), "With ties at the edge of the k best:")
    for gap in (5e-4, 1e-6):
        below, above = (torch.tensor([[0.5, 0.5 + x], [0.0, 1.0]]) for x in (-gap, gap))
        near(answer(below, 1), 1.0, f"A score that is lower by {gap:g} is not the same score.")
        near(answer(above, 1), 0.5, f"A score that is higher by {gap:g} is ahead.")


rows_alone = unchanged(
    "only the order within a row matters",
    lambda: (raw(4, 4, seed=2), 2),
    lambda x, k: (3 * x + torch.tensor([[0.0], [50.0], [-50.0], [9.0]]), k),
    "Raising all scores of a row changed the result.",
)


def _cases() -> list[tuple[Any, ...]]:
    return [(raw(1, 1, seed=5), 1), *((raw(6, 6, seed=1), k) for k in range(1, 7)), (_three(), 2)]


def _probes() -> list[tuple[Any, ...]]:
    flat = torch.full((4, 4), 0.5)
    tilted = raw(6, 6, seed=3) + torch.arange(6)[:, None]
    return [(_three(), 1), (flat, 1), (flat, 3), *((tilted, k) for k in range(1, 7))]


def _rank(similarity: Tensor) -> Tensor:
    return (similarity > similarity.diagonal()[:, None]).sum(1)


MISTAKES = """
ties count in favour: (_rank(similarity) < k).double().mean().item()
    Equal scores were resolved kindly. What does it give for a matrix in which all scores are equal?
    A collapsed model makes just such a matrix, and must not be told that it finds things. Count how
    many other columns score at least as much as the match.
ties resolved by position:
        best = similarity.argsort(dim=1, descending=True, stable=True)[:, :k]
        target = torch.arange(len(similarity), device=similarity.device)[:, None]
        return (best == target).any(1).double().mean().item()
    Sorting puts equal scores in some order, often that of their index. What does it give for a
    matrix in which all scores are equal? A collapsed model makes just such a matrix, and must not
    be told that it finds things. Count how many other columns score at least as much as the match.
looks down the columns: by_hand(similarity.T, k)
    A row is a query and its columns are the candidates. This ranks rows within a column, which is
    retrieval the other way round.
counts instead of a share: by_hand(similarity, k) * len(similarity)
    This is the number of rows that found their match. Divide by the number of rows.
per cent instead of a share: by_hand(similarity, k) * 100
    A share lies between 0 and 1. Drop the 100.
one place too generous: by_hand(similarity, k + 1)
    Off by one: with `ahead` columns in front of it the match stands at place ahead + 1, so it is
    among the k best when ahead < k, not when ahead <= k.
always recall@1: by_hand(similarity, 1)
    It never uses k. Only the best column counts so far.
the k worst instead of the k best: by_hand(-similarity, k)
    argsort sorts upwards unless told `descending=True`, so these are the columns with the lowest
    scores.
precision instead of recall: by_hand(similarity, k) / k
    Dividing by k asks what share of the k shown are right. Each row has one match: recall asks
    whether it is among them.
"""

EXERCISE = Task(
    title="Recall at k",
    level="core",
    difficulty=2,
    minutes=10,
    stub=STUB,
    reference=retrieval.recall_at_k,
    formula=by_hand,
    cases=_cases,
    result="number",
    probe=calls(_probes, gradients=False),
    mistakes=MISTAKES,
    hints=(
        "For row i, the score to beat is similarity[i, i]. How many others stand in front of it?",
        "Compare the whole matrix with its diagonal as a column, `similarity.diagonal()[:, None]`. "
        "Mind what an equal score means, and that the match equals itself.",
        "ahead = (similarity >= match).sum(1) - 1; a row is found when ahead < k; the mean of "
        "that, as a float.",
    ),
)
