"""Matrices in eight bits: how far off, how large, and back as a model."""

import pytest
import torch
from torch import nn

from mmcourse.hub import Pretrained
from mmcourse.rows import SCALE, pack, unpack


class Small(Pretrained):
    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(width, width), nn.Conv2d(width, 8, 3)
        self.register_buffer("digits", torch.tensor([1 / 3]))


@pytest.mark.parametrize("shape", [(5, 7), (3, 4, 2, 2), (1, 1), (300, 2)])
def test_no_number_is_off_by_more_than_half_a_step_of_its_row(shape):
    dice = torch.Generator().manual_seed(0)
    rows = torch.logspace(-4, 4, shape[0]).view(-1, *[1] * (len(shape) - 1))
    value = torch.randn(shape, generator=dice) * rows
    stored = pack("w", value)
    assert stored["w"].dtype == torch.int8
    assert stored["w" + SCALE].shape == (shape[0],)
    back = unpack(stored)["w"]
    step = value.abs().flatten(1).amax(1) / 127
    off = (back - value).abs().flatten(1).amax(1)
    assert bool((off <= 0.52 * step + 2.0**-24).all())  # the scale itself has eleven digits


def test_a_row_of_zeros_stays_and_vectors_are_halves():
    stored = pack("w", torch.tensor([[0.0, 0.0], [1.0, -2.0]]))
    assert unpack(stored)["w"][0].tolist() == [0.0, 0.0]
    assert unpack(stored)["w"][1].tolist() == pytest.approx([1.0, -2.0], rel=1e-2)
    assert pack("b", torch.ones(3)).keys() == {"b"}
    assert pack("b", torch.ones(3))["b"].dtype == torch.float16


def test_packing_what_was_unpacked_changes_nothing():
    once = pack("w", torch.randn(20, 30))
    again = pack("w", unpack(once)["w"])
    assert (once["w"].int() - again["w"].int()).abs().max() <= 1


def test_a_model_in_eight_bits_is_a_quarter_and_nearly_the_same(tmp_path):
    model = Small()
    model.save_pretrained(tmp_path / "whole")
    model.save_pretrained(tmp_path / "rows", dtype=torch.int8)
    sizes = [(tmp_path / k / "model.safetensors").stat().st_size for k in ("rows", "whole")]
    assert sizes[0] < 0.35 * sizes[1]
    back = Small.from_pretrained(tmp_path / "rows")
    assert back.digits.item() == model.digits.item()
    for mine, theirs in zip(model.parameters(), back.parameters()):
        assert theirs.dtype == torch.float32
        assert float((mine - theirs).detach().std() / mine.detach().std()) < 0.01


def test_scales_without_their_matrix_are_refused():
    with pytest.raises(ValueError, match="no scales"):
        unpack({"w" + SCALE: torch.ones(2)})
    with pytest.raises(ValueError, match="no scales"):
        unpack({"w": torch.ones(3, 2), "w" + SCALE: torch.ones(2)})
    with pytest.raises(ValueError, match="overflows"):
        overflowing()


def overflowing():
    model = Small()
    nn.init.constant_(model.a.weight, 1e9)
    model.save_pretrained("/nonexistent", dtype=torch.int8)
