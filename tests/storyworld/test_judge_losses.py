"""The judge's two losses, and the wear of its pictures, against formulas written another way."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmcourse.storyworld.judge.reading import FIELDS
from mmcourse.storyworld.judge.train import identity_loss, question_loss, trait_loss, worn


def random_targets(n):
    return torch.stack([torch.randint(-1, len(x), (n,)) for x in FIELDS.values()], 1)


def random_logits(n):
    return {f: torch.randn(n, len(x), requires_grad=True) for f, x in FIELDS.items()}


def test_the_questions_loss_is_the_sum_of_the_means_of_each_question():
    torch.manual_seed(0)
    logits, rows = random_logits(6), random_targets(6)
    means = []
    for i, f in enumerate(FIELDS):
        losses = []
        for b in range(6):
            if rows[b, i] >= 0:
                scores = logits[f][b].detach().double().numpy()
                losses.append(np.log(np.exp(scores).sum()) - scores[rows[b, i]])
        means.append(np.mean(losses) if losses else 0.0)
    assert question_loss(logits, rows).item() == pytest.approx(np.sum(means), rel=1e-5)


def test_what_does_not_arise_has_no_say_and_gets_no_gradient():
    torch.manual_seed(0)
    logits, rows = random_logits(6), random_targets(6)
    never = list(FIELDS).index("scene.by")
    rows[:, never] = -1
    loss = question_loss(logits, rows)
    loss.backward()
    assert loss.isfinite()
    for i, f in enumerate(FIELDS):
        assert logits[f].grad.isfinite().all()
        moved = logits[f].grad.abs().sum(1) > 0
        assert torch.equal(moved, rows[:, i] >= 0), f
    louder = {
        f: torch.where(rows[:, i, None] < 0, 100.0, x.detach())
        for i, (f, x) in enumerate(logits.items())
    }
    assert question_loss(louder, rows).item() == pytest.approx(loss.item())


def test_a_batch_that_asks_nothing_costs_nothing():
    logits = random_logits(3)
    loss = question_loss(logits, torch.full((3, len(FIELDS)), -1))
    loss.backward()
    assert loss.item() == 0
    assert all((x.grad == 0).all() for x in logits.values())


def test_half_precision_does_not_reach_the_loss():
    logits = {f: torch.full((2, len(x)), 3.0, dtype=torch.bfloat16) for f, x in FIELDS.items()}
    rows = torch.zeros(2, len(FIELDS), dtype=torch.long)
    expected = np.sum([math.log(len(x)) for x in FIELDS.values()])
    loss = question_loss(logits, rows)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def some_heroes(n, seed=0):
    torch.manual_seed(seed)
    return F.normalize(torch.randn(n, 3, 8), dim=-1)


@pytest.mark.parametrize("n", [1, 5])
def test_the_identity_loss_asks_each_hero_for_itself_among_all_and_its_double(n):
    heroes, scale = some_heroes(n), 3.0
    rows = heroes.double().numpy()
    total = 0.0
    for query, key in ((0, 1), (1, 0)):
        for i in range(n):
            scores = [math.exp(scale * rows[i, query] @ rows[j, key]) for j in range(n)]
            doubles = [math.exp(scale * rows[i, query] @ rows[j, 2]) for j in range(n)]
            total -= math.log(scores[i] / (sum(scores) + sum(doubles)))
    told = np.mean([r[0] @ r[1] > r[0] @ r[2] for r in rows])
    loss, share = identity_loss(heroes, torch.tensor(scale))
    assert loss.item() == pytest.approx(total / (2 * n), rel=1e-5)
    assert share.item() == pytest.approx(told)


def test_the_identity_loss_moves_all_three_and_the_scale():
    heroes, scale = some_heroes(4).requires_grad_(), torch.tensor(2.0, requires_grad=True)
    loss, _ = identity_loss(heroes, scale)
    loss.backward()
    assert (heroes.grad.abs().amax((0, 2)) > 1e-3).all()
    assert scale.grad.abs() > 1e-3


def test_the_trait_loss_is_the_mean_over_those_who_are_there():
    torch.manual_seed(0)
    found = torch.randn(4, 3, 8, requires_grad=True)
    shown = torch.randn(4, 3, 8)
    absent = torch.tensor([[0, 1, 0], [1, 1, 0], [0, 0, 0], [0, 1, 1]], dtype=torch.bool)
    shown[absent] = float("nan")
    there = [(b, i) for b in range(4) for i in range(3) if not absent[b, i]]
    rows = [(found[at] - shown[at]).detach().double().numpy() for at in there]
    loss = trait_loss(found, shown)
    assert loss.item() == pytest.approx(np.mean(np.square(rows)), rel=1e-5)
    loss.backward()
    assert torch.equal((found.grad != 0).any(-1), ~absent)


def test_heroes_that_are_told_apart_perfectly_cost_nothing():
    axes = torch.eye(8)
    right = torch.stack([axes[:4], axes[:4], axes[4:]], 1)
    loss, told = identity_loss(right, torch.tensor(100.0))
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert told == 1
    wrong = torch.stack([axes[:4], axes[4:], axes[:4]], 1)
    loss, told = identity_loss(wrong, torch.tensor(100.0))
    assert loss > 50
    assert told == 0


def test_wear_is_a_function_of_its_generator_and_keeps_pictures_pictures():
    pixels = torch.rand(50, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    pixels[0], pixels[1] = 1.0, -1.0
    before = pixels.clone()

    def once(seed):
        return worn(pixels, torch.Generator().manual_seed(seed))

    state = torch.get_rng_state()
    assert torch.equal(once(1), once(1))
    assert not torch.equal(once(1), once(2))
    assert torch.equal(torch.get_rng_state(), state), "it drew from the global generator"
    assert torch.equal(pixels, before), "it wrote into its input"
    for seed in range(20):
        assert once(seed).abs().max() <= 1


def test_a_quarter_is_blurred_two_fifths_are_noisy_and_many_stay_as_they_are():
    rows = torch.arange(8)
    board = ((rows[:, None] + rows) % 2 * 2.0 - 1).expand(2000, 3, 8, 8) * 0.5
    found = worn(board, torch.Generator().manual_seed(0))
    same = (found == board).flatten(1).all(1).float().mean()
    assert same == pytest.approx(0.75 * 0.6, abs=0.04)
    contrast = (found * board.sign()).mean((1, 2, 3))  # a checkerboard blurs to grey
    blurred = contrast < 0.375
    assert blurred.float().mean() == pytest.approx(0.25, abs=0.03)
    assert contrast[blurred].mean() == pytest.approx(0.25, abs=0.01), "half blurred, half itself"
    grey = worn(torch.zeros(2000, 3, 8, 8), torch.Generator().manual_seed(0))
    strength = grey.flatten(1).std(1)
    assert (strength > 0).float().mean() == pytest.approx(0.4, abs=0.04)
    assert strength.max() == pytest.approx(0.08, abs=0.015)
    assert grey.mean() == pytest.approx(0, abs=1e-3)
