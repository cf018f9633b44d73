"""Retrieval against brute force, and what a measure must never reward."""

import pytest
import torch
import torch.nn.functional as F

from mmcourse.joint import cosine_similarity_matrix, nearest, recall_at_k, zero_shot_predict


def brute_force_recall(similarity, k):
    """Among the k best only if fewer than k others are as good."""
    rows = similarity.tolist()
    hits = 0
    for i, row in enumerate(rows):
        rivals = [j for j, value in enumerate(row) if j != i and not value < row[i]]
        hits += len(rivals) < k
    return hits / len(rows)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("values", [2, 5, None])
def test_recall_equals_brute_force_also_with_ties(seed, values):
    generator = torch.Generator().manual_seed(seed)
    if values is None:
        similarity = torch.randn(23, 23, generator=generator)
    else:
        similarity = torch.randint(values, (23, 23), generator=generator).float()
    for k in (1, 2, 5, 22, 23):
        assert recall_at_k(similarity, k) == pytest.approx(brute_force_recall(similarity, k))


def test_recall_of_known_matrices():
    eye = torch.eye(10)
    assert recall_at_k(eye, 1) == 1
    assert recall_at_k(-eye, 9) == 0
    assert recall_at_k(-eye, 10) == 1
    one_wrong = eye.clone()
    one_wrong[3, 7] = 2.0
    assert recall_at_k(one_wrong, 1) == 0.9
    assert recall_at_k(one_wrong, 2) == 1
    assert recall_at_k(one_wrong.T, 1) == 0.9


def test_rows_search_among_columns():
    """Row 0 finds column 0, but column 1 is found by row 0 first."""
    similarity = torch.tensor([[0.9, 0.8], [0.1, 0.7]])
    assert recall_at_k(similarity, 1) == 1
    assert recall_at_k(similarity.T, 1) == 0.5


def test_a_model_that_says_the_same_of_every_pair_finds_nothing():
    constant = torch.full((8, 8), 0.3)
    assert [recall_at_k(constant, k) for k in (1, 5, 7)] == [0, 0, 0]


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_a_model_that_broke_finds_nothing(value):
    assert recall_at_k(torch.full((8, 8), value), 5) == 0


def test_one_nan_does_not_help_its_row():
    similarity = torch.eye(4)
    similarity[0, 0] = float("nan")
    assert recall_at_k(similarity, 1) == 0.75
    similarity = torch.eye(4)
    similarity[0, 1] = float("nan")
    assert recall_at_k(similarity, 1) == 0.75


@pytest.mark.parametrize(
    ("shape", "k", "named"),
    [
        ((3, 4), 1, r"must be \(N, N\), got \(3, 4\)"),
        ((9,), 1, r"got \(9,\)"),
        ((4, 4), 0, "k must be 1 to 4, got 0"),
        ((4, 4), 5, "k must be 1 to 4, got 5"),
    ],
)
def test_what_is_no_square_or_no_rank_is_refused(shape, k, named):
    with pytest.raises(ValueError, match=named):
        recall_at_k(torch.zeros(shape), k)


def test_cosines_are_those_of_each_pair_whatever_the_lengths():
    text, image = torch.randn(4, 6), torch.randn(5, 6)
    expected = torch.stack([F.cosine_similarity(t[None], image) for t in text])
    found = cosine_similarity_matrix(text * 7, image * torch.rand(5, 1).add(0.1))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


# Zero-shot


def test_pictures_are_named_by_the_nearest_mean_direction():
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(40, 6, generator=generator)
    classes = torch.randn(5, 3, 6, generator=generator)
    expected = []
    for image in images:
        scores = []
        for prompts in classes:
            mean = sum(p / p.norm() for p in prompts) / len(prompts)
            scores.append(float(image @ mean / (image.norm() * mean.norm())))
        expected.append(scores.index(max(scores)))
    found = zero_shot_predict(images, classes)
    assert found.tolist() == expected
    assert found.dtype == torch.int64


def test_lengths_do_not_vote():
    """Neither a long prompt within its class, nor a class whose prompts agree, weighs more."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(60, 6, generator=generator)
    classes = torch.randn(5, 3, 6, generator=generator)
    found = zero_shot_predict(images, classes)
    lengths = torch.rand(5, 3, 1, generator=generator) * 50 + 0.1
    assert torch.equal(zero_shot_predict(images * 9, classes * lengths), found)
    agreeing = torch.tensor([[[1.0, 0.0]] * 2, [[0.6, 0.8], [0.6, -0.8]]])
    between = torch.tensor([[0.9, 0.1]])
    assert zero_shot_predict(between, agreeing.flip(0)).item() in (0, 1)
    torch.testing.assert_close(
        F.normalize(agreeing[1].mean(0), dim=-1), torch.tensor([1.0, 0.0]), atol=1e-6, rtol=0
    )


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
@pytest.mark.parametrize("where", ["pictures", "prompts"])
def test_towers_that_broke_name_nothing(where, broken):
    images, classes = torch.randn(4, 6), torch.randn(3, 2, 6)
    (images if where == "pictures" else classes).view(-1)[5] = broken
    with pytest.raises(ValueError, match="NaN or infinity"):
        zero_shot_predict(images, classes)


# Nearest


def test_the_nearest_come_first():
    generator = torch.Generator().manual_seed(2)
    query, candidates = torch.randn(3, 8, generator=generator), torch.randn(20, 8)
    found = nearest(query, candidates, 20)
    scores = cosine_similarity_matrix(query, candidates).gather(1, found)
    assert torch.equal(scores, scores.sort(dim=1, descending=True).values)
    assert torch.equal(nearest(query, candidates, 4), found[:, :4])
    assert torch.equal(nearest(candidates * 3, candidates, 1)[:, 0], torch.arange(20))


@pytest.mark.parametrize("k", [0, 21])
def test_more_neighbours_than_there_are_is_refused(k):
    with pytest.raises(ValueError, match=f"k must be 1 to 20, got {k}"):
        nearest(torch.randn(1, 4), torch.randn(20, 4), k)
