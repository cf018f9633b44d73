"""The run: warm-up, resuming both players exactly, and what is in the checkpoint."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmcourse.vqgan.autoencoder import VQGAN
from mmcourse.vqgan.discriminator import PatchDiscriminator
from mmcourse.vqgan.perceptual import PerceptualLoss
from mmcourse.vqgan.train import Plan, start_codes, train


class Sees(nn.Module):
    """A feature network of two maps."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, stride=2, padding=1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        first = self.a(x).tanh()
        return first, self.b(first).tanh()


def small(levels: int = 2) -> VQGAN:
    torch.manual_seed(0)
    options = {"num_codes": 16, "dim": 4, "restart_below": 0.1}
    return VQGAN(levels, "ema", options, widths=(8, 8), half_width=8)


def players() -> dict:
    torch.manual_seed(1)
    return {"critic": PatchDiscriminator(width=4), "perceptual": PerceptualLoss(Sees())}


def bytes_of(n: int, side: int = 16) -> torch.Tensor:
    dice = torch.Generator().manual_seed(3)
    flat = torch.randint(256, (n, 1, 1, 3), dtype=torch.uint8, generator=dice)
    return flat.expand(n, side, side, 3).clone()


PLAN = Plan(6, batch_size=3, critic_from=2, critic_ramp=2, start=9, save_every=2)


def test_the_critic_comes_in_after_its_warm_up_and_by_degrees() -> None:
    seen = list(train(small(), bytes_of(9), PLAN, **players()))
    assert [m["heard"] for m in seen] == [0, 0, 0.5, 1, 1, 1]
    assert ["critic" in m for m in seen] == [False, False, True, True, True, True]
    assert all(0 <= m["weight"] <= 10 for m in seen[2:])
    assert [m["step"] for m in seen] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("killed", [1, 3, 5])
def test_a_run_that_was_killed_ends_with_the_same_weights_of_both(killed, tmp_path) -> None:
    file = tmp_path / "run.pt"
    whole, cut, resumed = small(), small(), small()
    theirs, torn, mended = players(), players(), players()
    list(train(whole, bytes_of(9), PLAN, **theirs))
    for m in train(cut, bytes_of(9), PLAN, **torn, out=(file, 0)):
        if m["step"] == killed:
            break
    rest = list(train(resumed, bytes_of(9), PLAN, **mended, out=(file, 0)))
    assert rest[0]["step"] == killed // 2 * 2 + 1
    for a, b in ((whole, resumed), (theirs["critic"], mended["critic"])):
        for name, value in a.state_dict().items():
            assert torch.equal(value, b.state_dict()[name]), name


def test_the_checkpoint_holds_both_players_and_nothing_of_the_eye(tmp_path) -> None:
    file = tmp_path / "run.pt"
    list(train(small(), bytes_of(9), PLAN, **players(), out=(file, 0)))
    states = torch.load(file, weights_only=True)["states"]
    assert {"settings", "model", "critic", "optimiser", "critic_optimiser", "ema", "usual"} == set(
        states
    )
    assert not [name for name in states["model"] if "network" in name or "a.weight" in name]


def test_the_critics_optimiser_is_the_papers(monkeypatch) -> None:
    seen = []

    class Spied(torch.optim.Adam):
        def __init__(self, parameters, **options):
            seen.append(options)
            super().__init__(parameters, **options)

    monkeypatch.setattr(torch.optim, "Adam", Spied)
    next(train(small(), bytes_of(9), PLAN, **players()))
    assert [o["betas"] for o in seen] == [(0.5, 0.9)]


def test_without_critic_and_eye_it_learns_a_batch_by_squares() -> None:
    model = small()
    plan = Plan(120, batch_size=9, lr=3e-3, start=9)
    seen = list(train(model, bytes_of(9), plan, pixels=F.mse_loss))
    assert seen[-1]["psnr"] > seen[0]["psnr"] + 4
    assert not model.training
    assert "critic" not in seen[-1]


def test_with_them_it_still_learns_the_batch() -> None:
    plan = Plan(120, batch_size=9, lr=3e-3, start=9, critic_from=60, critic_ramp=10)
    seen = list(train(small(), bytes_of(9), plan, **players()))
    assert seen[-1]["psnr"] > seen[0]["psnr"] + 4


def test_codes_start_where_the_encoder_is() -> None:
    model = small()
    pictures = torch.randint(256, (12, 16, 16, 3), dtype=torch.uint8,
                             generator=torch.Generator().manual_seed(0))  # fmt: skip
    start_codes(model, pictures, 0)
    model.eval()
    x = pictures.permute(0, 3, 1, 2).float() / 127.5 - 1
    z = model.encoder(x)
    left = [(z - model.quantizer.lookup(model.encode(x)[..., :k])).square().mean() for k in (1, 2)]
    assert left[1] < left[0] < z.square().mean()


def test_bf16_runs_and_keeps_the_masters_in_float32() -> None:
    model = small()
    seen = list(train(model, bytes_of(9), PLAN, **players(), precision="bf16"))
    assert all(torch.tensor(list(m.values())).isfinite().all() for m in seen)
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def nan_from(step: int):
    """A distance that is a number for so many steps."""
    asked = []

    def distance(drawn: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        asked.append(0)
        return F.l1_loss(drawn, x) * (torch.nan if len(asked) > step else 1.0)

    return distance


def test_a_loss_that_is_no_number_stops_before_its_step(tmp_path) -> None:
    file, model = tmp_path / "run.pt", small()
    loop = train(model, bytes_of(9), PLAN, **players(), pixels=nan_from(3), out=(file, 0))
    with pytest.raises(ValueError, match="the loss of this step is nan, so it was not taken"):
        list(loop)
    assert all(value.isfinite().all() for value in model.state_dict().values())
    states = torch.load(file, weights_only=True)["states"]["model"]
    assert all(value.isfinite().all() for value in states.values())


@pytest.mark.parametrize(
    ("changed", "data", "seed", "told"),
    [
        ({"batch_size": 2}, 9, 0, "batch_size was 3, now it is 2"),
        ({"lr": 1.0}, 9, 0, "lr was 0.001, now it is 1.0"),
        ({"steps": 7}, 9, 0, "steps was 6, now it is 7"),
        ({}, 10, 0, "data was"),
        ({}, 9, 1, "seed was 0, now it is 1"),
    ],
)
def test_a_run_goes_on_with_what_it_was_begun_with(tmp_path, changed, data, seed, told) -> None:
    file = tmp_path / "run.pt"
    list(train(small(), bytes_of(9), PLAN, **players(), out=(file, 0)))
    plan = dataclasses.replace(PLAN, **changed)
    with pytest.raises(ValueError, match=told):
        list(train(small(), bytes_of(data), plan, **players(), out=(file, seed)))


def test_one_step_and_channels_first() -> None:
    assert len(list(train(small(), bytes_of(9), Plan(1, 3)))) == 1
    with pytest.raises(ValueError, match="channels come last"):
        next(train(small(), bytes_of(9).movedim(-1, 1), Plan(1, 3)))
