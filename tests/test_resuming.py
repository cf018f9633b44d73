"""A run goes on with what it was begun with, or not at all."""

import pytest
import torch
from torch import nn

from mmcourse.checkpoints import load_checkpoint, save_checkpoint
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
