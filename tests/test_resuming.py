"""A run goes on with what it was begun with, or not at all."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch
from torch import nn

from mmcourse.checkpoints import load_checkpoint, save_checkpoint, save_now
from mmcourse.resuming import Settings, sample_of


def test_the_same_settings_are_taken(tmp_path):
    save_checkpoint(tmp_path / "c.pt", step=3, settings=Settings(seed=1, lr=1e-3, name="a"))
    again = Settings(seed=1, lr=1e-3, name="a")
    assert load_checkpoint(tmp_path / "c.pt", settings=again) == 3


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({"seed": 2, "batch_size": 4}, "seed was 1, now it is 2"),
        ({"seed": 1, "batch_size": 8}, "batch_size was 4, now it is 8"),
        ({"seed": 1}, "batch_size was 4, now it is None"),
        ({"seed": 1, "batch_size": 4, "lr": 0.1}, "lr was None, now it is 0.1"),
    ],
)
def test_others_are_one_line_and_change_nothing(tmp_path, now, told):
    file, model = tmp_path / "c.pt", nn.Linear(2, 2)
    save_checkpoint(file, step=3, settings=Settings(seed=1, batch_size=4), model=model)
    other = nn.Linear(2, 2)
    before = other.weight.clone()
    with pytest.raises(ValueError, match=told) as error:
        load_checkpoint(file, settings=Settings(**now), model=other)
    assert "c.pt does not fit settings" in str(error.value)
    assert "\n" not in str(error.value)
    assert torch.equal(other.weight, before)


def test_a_sample_tells_data_apart():
    data = torch.arange(400, dtype=torch.uint8).view(100, 4)
    other = data.clone()
    other[-1, -1] += 1
    found = [sample_of(x) for x in (data, data.clone(), other, data[:50], data.half())]
    assert found[0] == found[1]
    assert len(set(found)) == 4
    assert sample_of(data.T.contiguous().T) == found[0]  # the layout does not matter
    assert sample_of(data[:0]) == sample_of(data[:0])
    assert sample_of(torch.zeros(3, 2, dtype=torch.bfloat16))


@dataclass
class Plan:
    steps: int = 4
    muon: float | None = None
    stages: tuple = ()
    save_every: int = 2


def test_a_plan_is_compared_but_for_how_often_it_saves(tmp_path):
    file = tmp_path / "c.pt"
    save_checkpoint(file, step=3, settings=Settings.of(Plan(stages=(Plan(),)), seed=1))
    again = Settings.of(Plan(stages=(Plan(),), save_every=9), seed=1)
    assert load_checkpoint(file, settings=again) == 3
    with pytest.raises(ValueError, match="steps was 4, now it is 5"):
        load_checkpoint(file, settings=Settings.of(Plan(5, stages=(Plan(),)), seed=1))


def test_a_run_that_told_no_settings_goes_on(tmp_path):
    model = nn.Linear(2, 2)
    save_checkpoint(tmp_path / "c.pt", step=3, model=model)
    other = nn.Linear(2, 2)
    assert load_checkpoint(tmp_path / "c.pt", settings=Settings(seed=1), model=other) == 3
    assert torch.equal(other.weight, model.weight)


@pytest.mark.parametrize(("steps", "every"), [(1, 250), (30, 250), (250, 250), (300, 250)])
def test_no_kill_costs_all_of_a_short_run(steps, every):
    saved = [done for done in range(1, steps + 1) if save_now(done, steps, every)]
    assert saved[-1] == steps
    assert max(b - a for a, b in pairwise([0, *saved])) <= max(1, steps // 5)


def test_a_long_run_saves_as_often_as_it_says():
    assert [done for done in range(1, 8) if save_now(done, 7, 3)] == [3, 6, 7]
