"""The recipes of `vqgan-64`, of its twin without a critic, and of the prior: what they leave in the
folder, and that a killed run goes on."""

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from mmcourse.hub import read_card
from mmcourse.training import TIERS
from mmcourse.vqgan import VQGAN, PerceptualLoss, ResidualPrior, prior_measure, prior_recipe, recipe
from mmcourse.vqgan.train import Plan


class Killed(Exception):
    """In the place of a power cut."""


class Sees(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.a = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (self.a(x).tanh(),)


def tiny() -> VQGAN:
    options = {"num_codes": 16, "dim": 4, "restart_below": 0.1}
    return VQGAN(2, "ema", options, widths=(8, 8), half_width=8)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    plan = Plan(6, batch_size=3, critic_from=3, critic_ramp=2, start=8, save_every=2)
    monkeypatch.setitem(recipe.RECIPES, "smoke", recipe.Recipe(12, plan, measured=6))
    monkeypatch.setattr(recipe, "build", tiny)
    monkeypatch.setattr(recipe, "eye", lambda: PerceptualLoss(Sees()))
    monkeypatch.setattr(recipe, "weights_hash", lambda name: "abc")


def test_there_is_a_recipe_for_every_tier_and_the_critic_waits_in_each():
    for recipes in (recipe.RECIPES, prior_recipe.RECIPES):
        assert recipes.keys() == set(TIERS)
    for it in recipe.RECIPES.values():
        assert 0.3 <= it.plan.critic_from / it.plan.steps <= 0.8


def test_a_picture_takes_at_most_2560_bits(monkeypatch):
    monkeypatch.undo()
    model = recipe.build()
    codes = model.encode(torch.zeros(1, 3, 64, 64))
    assert codes.shape == (1, 8, 8, 4)
    assert model.quantizer.num_codes == 1024
    assert recipe.build(levels=1).encode(torch.zeros(1, 3, 64, 64)).shape == (1, 8, 8, 1)


def test_a_run_leaves_a_model_and_a_card_that_tells_how_it_was_made(tmp_path):
    recipe.train_vqgan(tmp_path, "smoke", seed=3)
    card = read_card(tmp_path)
    assert card["command"] == "mmcourse train vqgan-64 --tier smoke --seed 3 --precision no"
    assert (card["name"], card["seed"], card["tier"]) == ("vqgan-64", 3, "smoke")
    assert card["data"] == "StoryWorld train, 12 scenes at 64x64, seed 3, seen by features abc"
    assert card["metrics"]["frechet"]["n"] == 6
    assert card["metrics"]["frechet"]["band"] == recipe.BANDS["frechet"]
    assert card["history"]["step"][-1] == 6
    model = VQGAN.from_pretrained(tmp_path)
    assert {k.split(".")[-1] for k in model.quantizer.state_dict()} == {"codebook"}
    assert not [k for k in load_file(tmp_path / "model.safetensors") if "network" in k]
    assert not list(tmp_path.glob("checkpoint*"))


def test_what_is_shipped_does_what_was_trained():
    torch.manual_seed(0)
    model = tiny().eval()
    plain = recipe.settled(model)
    x = torch.rand(3, 3, 16, 16) * 2 - 1
    assert torch.equal(plain.encode(x), model.encode(x))
    assert torch.equal(plain.decode(plain.encode(x)), model.decode(model.encode(x)))


def test_the_twin_has_neither_critic_nor_eye(tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "eye", None)
    recipe.train_squares(tmp_path, "smoke")
    card = read_card(tmp_path)
    assert card["command"] == "mmcourse train vqgan-64-mse --tier smoke --seed 0 --precision no"
    assert card["data"] == "StoryWorld train, 12 scenes at 64x64, seed 0"


def test_a_killed_run_goes_on_by_the_same_command(monkeypatch, tmp_path):
    recipe.train_vqgan(tmp_path / "whole", "smoke")
    inner = recipe.train

    def cut(*given, **options):
        for m in inner(*given, **options):
            if m["step"] == 5:
                raise Killed
            yield m

    with monkeypatch.context() as patch:
        patch.setattr(recipe, "train", cut)
        with pytest.raises(Killed):
            recipe.train_vqgan(tmp_path / "broken", "smoke")
    recipe.train_vqgan(tmp_path / "broken", "smoke")
    first, second = (load_file(tmp_path / n / "model.safetensors") for n in ("whole", "broken"))
    assert all((first[name] == second[name]).all() for name in first)


def test_a_folder_of_another_run_is_refused(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match="precision is 'half'"):
        recipe.train_vqgan(tmp_path, "smoke", precision="half")


def test_the_prior_learns_the_codes_that_are_shipped(monkeypatch, tmp_path):
    torch.manual_seed(0)
    codes = recipe.settled(tiny())
    made = staticmethod(lambda name, device="cpu": codes)
    for module in (prior_recipe, prior_measure):
        monkeypatch.setattr(module.VQGAN, "from_pretrained", made)
    monkeypatch.setattr(prior_recipe, "weights_hash", lambda name: "abc")
    small = prior_recipe.Recipe(10, 6, steps=8, batch_size=3, measured=3)
    monkeypatch.setitem(prior_recipe.RECIPES, "smoke", small)
    prior_recipe.train_picture_prior(tmp_path, "smoke", seed=2)
    card = read_card(tmp_path)
    assert card["command"] == "mmcourse train prior --tier smoke --seed 2 --precision no"
    assert "in the codes of vqgan-64 abc" in card["data"]
    kinds = {name.split("_")[0] for name in card["metrics"]}
    assert kinds == set(prior_recipe.BANDS)
    assert card["metrics"]["bits_caption"]["chance"] == 64 * 2 * 4
    monkeypatch.undo()
    prior = ResidualPrior.from_pretrained(tmp_path)
    assert prior.vocabulary
    assert prior.grid == (8, 8)
