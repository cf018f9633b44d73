"""Training at its edges: one step, a loss that is not finite, pictures of another layout."""

import pytest
import torch

from mmcourse.checkpoints import load_checkpoint
from mmcourse.vqvae import VQVAE
from mmcourse.vqvae import train as training
from mmcourse.vqvae.train import train


def small() -> VQVAE:
    torch.manual_seed(0)
    return VQVAE("ema", {"num_codes": 16, "dim": 4}, width=8, depth=1)


def pictures(n: int = 6) -> torch.Tensor:
    dice = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, 8, 8, 3), generator=dice).to(torch.uint8)


def test_a_single_step_is_a_run() -> None:
    model = small()
    before = model.encoder.start.weight.clone()
    assert [m["step"] for m in train(model, pictures(), steps=1, batch_size=2)] == [1]
    assert not torch.equal(model.encoder.start.weight, before)


def test_a_loss_that_is_not_finite_ends_the_run_before_its_step(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(training, "SAVE_EVERY", 1)
    model, file = small(), tmp_path / "checkpoint.pt"
    loop = train(model, pictures(), steps=5, batch_size=2, checkpoint=file)
    next(loop), next(loop)
    kept = {name: p.clone() for name, p in model.named_parameters()}
    monkeypatch.setattr(VQVAE, "distance", lambda self, drawn, x: drawn.sum() * float("nan"))
    with pytest.raises(ValueError, match="loss of step 3 is nan"):
        next(loop)
    assert all(torch.equal(p, kept[name]) for name, p in model.named_parameters())
    monkeypatch.undo()
    again = small()
    assert load_checkpoint_of(file, again) == 2
    assert all(torch.equal(p, kept[name]) for name, p in again.named_parameters())


def load_checkpoint_of(file, model) -> int:
    """The step of a checkpoint, with the model as it was."""
    optimiser = torch.optim.AdamW(model.parameters())
    return load_checkpoint(
        file,
        settings=training.Settings(
            steps=5, batch_size=2, lr=1e-3, seed=0, data=training.sample_of(pictures())
        ),
        model=model,
        optimiser=Prepared(optimiser),
        ema=training.EMA(model),
    )


class Prepared:
    """An optimiser under the name that accelerate gives it."""

    def __init__(self, optimiser: torch.optim.Optimizer) -> None:
        self.load_state_dict, self.state_dict = optimiser.load_state_dict, optimiser.state_dict


Prepared.__name__ = "AcceleratedOptimizer"


@pytest.mark.parametrize("shape", [(6, 3, 8, 8), (6, 8, 8), (6, 8, 8, 1)])
def test_pictures_of_another_layout_are_named(shape) -> None:
    with pytest.raises(ValueError, match=r"must be .N, H, W, 3., got") as error:
        next(train(small(), torch.zeros(shape, dtype=torch.uint8), steps=2, batch_size=2))
    assert str(shape) in str(error.value)
