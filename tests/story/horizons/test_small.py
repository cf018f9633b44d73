"""Fewer bits and a student: against the shipped int8, closed forms, and one batch."""

import pytest
import torch
from torch import nn

from mmcourse.rows import pack, unpack
from mmcourse.story.horizons import small


def dice(seed=0):
    return torch.Generator().manual_seed(seed)


def test_eight_bits_by_rows_are_what_shipped_weights_are_stored_in():
    weight = torch.randn(30, 4, 3, generator=dice())
    stored = unpack(pack("w", weight))["w"]
    apart = (small.round_rows(weight) - stored).abs() / weight.abs().amax((1, 2), keepdim=True)
    assert apart.max() < 1.01 / 127  # its scales have eleven digits, so that halves fall elsewhere
    assert (apart < 1e-3).double().mean() > 0.97


@pytest.mark.parametrize("bits", [2, 3, 8])
def test_levels_largest_and_the_bound_of_the_error(bits):
    weight = torch.randn(6, 50, generator=dice(1)) * torch.logspace(-3, 3, 6)[:, None]
    found = small.round_rows(weight, bits)
    step = weight.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
    assert ((found - weight).abs() <= step / 2 + 1e-5 * step).all()
    assert torch.allclose(found.abs().amax(1), weight.abs().amax(1))
    assert max(len(row.unique()) for row in found) <= 2**bits - 1
    assert torch.allclose(small.round_rows(found, bits), found)


def test_one_scale_for_all_loses_the_small_rows():
    weight = torch.tensor([[1.0, -0.5], [100.0, 50.0]])
    assert small.round_tensor(weight, 4)[0].tolist() == [0, 0]
    assert small.round_rows(weight, 4)[0, 0] == 1
    assert torch.equal(small.round_tensor(weight[:1], 5), small.round_rows(weight[:1], 5))
    assert small.round_rows(torch.zeros(2, 2)).equal(torch.zeros(2, 2))


def test_a_rounded_model_is_a_copy_and_vectors_stay():
    model = nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8))
    nn.init.normal_(model[1].weight)
    before = [p.clone() for p in model.parameters()]
    rounded = small.rounded_model(model, 3)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert torch.equal(rounded[0].weight, small.round_rows(model[0].weight, 3))
    assert torch.equal(rounded[0].bias, model[0].bias)
    assert torch.equal(rounded[1].weight, model[1].weight)


def test_bytes_and_errors_by_hand():
    model = nn.Linear(10, 4)  # 40 numbers and 4
    assert small.size_in_bytes(model, 8) == 40 + 2 * 4 + 2 * 4
    assert small.size_in_bytes(model, 4, by_row=False) == 20 + 2 + 2 * 4
    assert small.size_in_bytes(model, 16) == 2 * 44
    errors = [small.rounding_error(model, bits) for bits in (8, 4, 2)]
    assert errors == sorted(errors)
    assert 0 < errors[0] < 0.01
    with torch.no_grad():
        model.weight[0] *= 100
        rows = (small.round_rows(model.weight, 4) - model.weight).norm() / model.weight.norm()
    assert small.rounding_error(model, 4) == pytest.approx(float(rows))
    assert small.rounding_error(model, 4, by_row=False) > small.rounding_error(model, 4)


def test_a_student_learns_one_batch_from_either_teacher():
    pictures = torch.randint(0, 256, (8, 16, 16, 3), generator=dice(), dtype=torch.uint8)
    targets = nn.functional.normalize(torch.randn(8, 12, generator=dice(1)), dim=-1)
    for copies in (True, False):
        torch.manual_seed(0)
        student = small.Student(32, 1, 12, 16)
        run = small.train_student(
            student, pictures, targets, steps=40, copies=copies, batch_size=8, lr=1e-2
        )
        losses = [metrics["loss"] for metrics in run]
        assert losses[-1] < 0.3 * losses[0]
        found = student.look(pictures)
        assert ((found @ targets.T).argmax(1) == torch.arange(8)).all()
    assert small.distillation_loss(3 * targets, targets).item() == pytest.approx(0, abs=1e-6)


def test_multiply_adds_of_a_matrix():
    assert small.multiply_adds(nn.Linear(10, 4), torch.zeros(3, 10)) == 3 * 10 * 4


def test_what_cannot_be_rounded_is_refused():
    for weight, bits in ((torch.zeros(3), 8), (torch.zeros(3, 3), 1)):
        with pytest.raises(ValueError, match="expected a matrix"):
            small.round_rows(weight, bits)
