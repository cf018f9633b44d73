"""Training: exact resumption, what a step sees, which optimiser trains what, and that it learns."""

import dataclasses

import pytest
import torch
from accelerate import Accelerator

from mmcourse.diffusion.train import Told
from mmcourse.dit import train as module
from mmcourse.dit.data import tell
from mmcourse.dit.heroes import starring
from mmcourse.dit.model import DiT
from mmcourse.dit.optimise import Plan, optimise, optimisers_for
from mmcourse.dit.train import Aligned, train
from mmcourse.storyworld import caption
from mmcourse.training import COMPLETE

from .conftest import heroes, small_dit

PLAN = Plan(steps=5, batch_size=2, lr=3e-3, muon=3e-3, warmup=2, save_every=2)
TEXTS = ["a red fox", "a blue owl", "a green cat", "a red owl"]


def told(reader):
    return Told(lambda i, step: TEXTS[(i + step) % 4], reader)


def same(a, b):
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


@pytest.mark.parametrize("killed_after", [1, 2, 3])
def test_a_run_killed_at_any_step_ends_with_the_same_weights(reader, tmp_path, killed_after):
    whole, broken, again = small_dit(), small_dit(), small_dit()
    rows = list(train(whole, heroes(), PLAN, told=told(reader), seed=3))
    file = tmp_path / "checkpoint.pt"
    loop = train(broken, heroes(), PLAN, told=told(reader), checkpoint=file, seed=3)
    for _ in range(killed_after):
        next(loop)
    loop.close()
    torch.rand(7)  # what else the process drew does not matter
    later = list(train(again, heroes(), PLAN, told=told(reader), checkpoint=file, seed=3))
    assert later == rows[2 * (killed_after // 2) :]
    assert same(again, whole)


def test_another_seed_is_another_run(reader):
    models = [small_dit(), small_dit(), small_dit()]
    for model, seed in zip(models, (0, 0, 1)):
        list(train(model, heroes(), PLAN, told=told(reader), seed=seed))
    assert same(models[0], models[1])
    assert not same(models[0], models[2])


def test_what_a_step_draws_depends_on_seed_and_step():
    """The order of the rows does as well, and would hide dice that are always the same."""

    def drawn(seed):
        def loss_of(model, turn):
            seen.append(torch.rand((), generator=turn.dice).item())
            return sum(p.square().sum() for p in model.parameters()), {}

        seen, model = [], small_dit()
        list(
            optimise(
                Aligned(model, 6), model, torch.zeros(4, 1), PLAN, loss_of, Accelerator(), seed=seed
            )
        )
        return seen

    assert drawn(0) == drawn(0)
    assert len({*drawn(0), *drawn(1)}) == 2 * PLAN.steps


def test_words_are_learned_and_so_is_what_patches_see(reader):
    data = heroes(8)
    sign = torch.tensor([1.0, -1.0]).repeat(4)[:, None, None, None]
    data = dataclasses.replace(
        data,
        latents=sign.expand(8, 4, 8, 8),
        seen=sign[..., 0] * torch.linspace(-1, 1, 6).expand(8, 16, 6),
    )
    texts = ["a red fox", "a blue owl"] * 4
    plan = Plan(steps=60, batch_size=8, lr=4e-3, muon=4e-3, warmup=5, decay=0.9, aligned=1.0)
    rows = list(train(small_dit(), data, plan, told=Told(lambda i, step: texts[i], reader)))
    assert rows[-1]["error"] < 0.6 * rows[0]["error"]
    assert rows[-1]["alike"] > 0.7


def test_the_alignment_ends_and_portraits_are_shown_in_some_steps(reader, monkeypatch):
    seen = []
    forward = Aligned.forward

    def noted(self, x, t, words, dropped, reference=None, asked=None):
        seen.append((reference is not None, asked is not None))
        return forward(self, x, t, words, dropped, reference, asked)

    monkeypatch.setattr(Aligned, "forward", noted)
    plan = dataclasses.replace(PLAN, steps=24, shown=0.5)
    rows = list(train(small_dit(), heroes(), plan, told=told(reader)))
    assert [asked for _, asked in seen] == [True] * 12 + [False] * 12
    assert 6 < sum(shown for shown, _ in seen) < 18
    assert all(row["alike"] == 0 for row in rows[12:])


def test_muon_trains_the_matrices_of_the_blocks_and_nothing_twice():
    training = Aligned(small_dit(), 6, answers=3)
    names = {id(p): n for n, p in training.named_parameters()}
    adam, muon = optimisers_for(training, PLAN)
    rest, matrices = (
        [names[id(p)] for group in o.param_groups for p in group["params"]] for o in (adam, muon)
    )
    assert sorted(rest + matrices) == sorted(names.values())
    assert all(".blocks." in n and n.endswith("weight") for n in matrices)
    assert len(matrices) == 2 * 7 + 2 * 6  # seven in each block, six in each that reads the words
    assert {"model.modulation.linear.weight", "projector.0.weight", "hero.weight"} <= set(rest)
    assert len(optimisers_for(training, dataclasses.replace(PLAN, muon=None))) == 1


def test_dropped_rows_lose_words_and_portrait(reader, monkeypatch):
    kept = []
    read = DiT.read

    def noted(self, words, dropped=None, reference=None):
        cond = read(self, words, dropped, reference)
        kept.append((dropped.tolist(), cond.mask.sum(1).tolist(), cond.reference))
        return cond

    monkeypatch.setattr(DiT, "read", noted)
    plan = dataclasses.replace(PLAN, steps=8, batch_size=4, dropped=0.5, shown=1.0)
    list(train(small_dit(), heroes(), plan, told=told(reader)))
    assert any(0 < sum(row) < 4 for row, _, _ in kept)
    for dropped, words, reference in kept:
        assert [n == 1 for n in words] == dropped
        assert (~reference.any(2).any(1)).tolist() == dropped


def test_complete_captions_come_first_and_brief_ones_last(reader):
    telling = tell(reader, steps=100)
    scene = starring("train", 3).scene
    for step in (0, 1, 50, int(100 * COMPLETE) - 1):
        assert telling.caption(3, step) == caption(scene, step + 3, complete=True)
    late = [telling.caption(3, step) for step in (90, 91)]
    assert late == [caption(scene, 93, complete=False), caption(scene, 94, complete=True)]


def test_what_is_not_finite_is_refused(reader):
    data = heroes()
    data.latents[0, 0, 0, 0] = torch.nan
    with pytest.raises(ValueError, match="NaN or infinity"):
        next(train(small_dit(), data, PLAN, told=told(reader)))
    with pytest.raises(ValueError, match="loss"):
        next(train(torch.nn.Module.apply(small_dit(), spoil), heroes(), PLAN, told=told(reader)))


def spoil(part):
    if isinstance(part, module.DiT):
        torch.nn.init.constant_(part.to_numbers.bias, torch.inf)


def test_a_run_begins_by_reading(reader, monkeypatch):
    times = []
    forward = Aligned.forward

    def noted(self, x, t, *rest):
        times.append(t)
        return forward(self, x, t, *rest)

    monkeypatch.setattr(Aligned, "forward", noted)
    plan = dataclasses.replace(PLAN, steps=12, batch_size=8, reading=6)
    list(train(small_dit(), heroes(8), plan, told=told(reader)))
    early, late = torch.cat(times[:6]), torch.cat(times[6:])
    assert early.min() > 900
    assert late.min() < 500


class Nobody:
    """An eye that weighs all places alike and asks one thing that everybody knows."""

    def __len__(self):
        return 1

    def focus(self, seen):
        return torch.ones(seen.shape[:2])

    def asked(self, guesses, seen, dropped, reading):
        return 0 * guesses.mean(), 0 * guesses.mean()


def test_who_the_hero_is_is_learned_from_the_portrait(reader):
    data = heroes(8)
    traits = torch.rand(8, 8, generator=torch.Generator().manual_seed(1))
    whom = dataclasses.replace(data.whom, references=traits.repeat(1, 2)[:, :12], traits=traits)
    data = dataclasses.replace(data, whom=whom)
    plan = Plan(steps=150, batch_size=8, lr=4e-3, muon=4e-3, warmup=5, shown=1.0, dropped=0.0)
    rows = list(train(small_dit(), data, plan, told=told(reader), eye=Nobody()))
    assert rows[0]["whom"] > 0.7
    assert rows[-1]["whom"] < 0.3


def test_nobody_is_asked_for_a_hero_who_is_not_shown(reader):
    plan = dataclasses.replace(PLAN, steps=6)
    for share in (0.0, 1.0):
        some = dataclasses.replace(plan, shown=share)
        rows = list(train(small_dit(), heroes(), some, told=told(reader), eye=Nobody()))
        assert all(("whom" in row) == bool(share) for row in rows)
    assert all("whom" not in r for r in train(small_dit(), heroes(), plan, told=told(reader)))


def test_where_somebody_is_shown_the_hero_s_places_weigh_three_times_as_much(reader):
    data = heroes()
    whole = dataclasses.replace(data.whom, places=torch.ones_like(data.whom.places))
    for shown, weight in ((1.0, 3), (0.0, 1)):
        plan = dataclasses.replace(PLAN, steps=1, shown=shown)
        some = dataclasses.replace(data, whom=whole)
        (row,) = train(small_dit(), some, plan, told=told(reader), eye=Nobody())
        rest = module.ALIGNMENT * (1 - row["alike"]) + row.get("whom", 0.0)
        assert row["loss"] == pytest.approx(weight * row["error"] + rest, rel=1e-4)


def test_a_run_goes_on_with_what_it_was_begun_with(reader, tmp_path):
    file = tmp_path / "checkpoint.pt"
    how = {"told": told(reader), "checkpoint": file}
    list(train(small_dit(), heroes(), PLAN, seed=3, **how))
    other = heroes()
    other.latents[-1] += 1
    with pytest.raises(ValueError, match="seed was 3, now it is 4"):
        next(train(small_dit(), heroes(), PLAN, seed=4, **how))
    with pytest.raises(ValueError, match="data was"):
        next(train(small_dit(), other, PLAN, seed=3, **how))
