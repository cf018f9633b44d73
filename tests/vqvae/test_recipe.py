"""The recipe: what it leaves in the folder, and that a killed run goes on."""

import pytest
import torch
from safetensors.torch import load_file

from mmcourse.hub import read_card
from mmcourse.training import TIERS
from mmcourse.vqvae import VQVAE, recipe
from mmcourse.vqvae.recipe import BANDS, RECIPES, Recipe, train_vqvae


class Killed(Exception):
    """In the place of a power cut."""


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setitem(RECIPES, "smoke", Recipe(12, 4, batch_size=3, measured=6))
    options = {"num_codes": 24, "dim": 4}
    monkeypatch.setattr(recipe, "build", lambda: VQVAE("ema", options, width=16, depth=1))


def test_there_is_a_recipe_for_every_tier():
    assert RECIPES.keys() == set(TIERS)


def test_the_shipped_model_has_at_most_1024_codes_at_a_quarter_of_the_sides(monkeypatch):
    monkeypatch.undo()
    model = recipe.build()
    assert model.quantizer.num_codes <= 1024
    assert model.factor == 4


def test_a_run_leaves_a_model_and_a_card_that_tells_how_it_was_made(tmp_path):
    train_vqvae(tmp_path, "smoke", seed=3)
    card = read_card(tmp_path)
    assert card["command"] == "mmcourse train vqvae --tier smoke --seed 3 --precision no"
    assert (card["name"], card["seed"], card["tier"]) == ("vqvae", 3, "smoke")
    assert card["data"] == "StoryWorld train, 12 scenes at 64x64, seed 3"
    assert card["metrics"]["psnr_all"]["n"] == 6
    assert {m["band"] for m in card["metrics"].values()} == set(BANDS.values())
    assert card["history"]["step"] == [1, 2, 3, 4]
    shipped = VQVAE.from_pretrained(tmp_path).quantizer
    assert shipped.num_codes == 24
    assert set(shipped.state_dict()) == {"codebook"}  # without what only training needs
    assert not list(tmp_path.glob("checkpoint*"))


def test_what_is_shipped_does_what_was_trained_without_what_training_keeps():
    torch.manual_seed(0)
    model = recipe.build().eval()
    plain = recipe.settled(model)
    pictures = torch.rand(3, 3, 64, 64) * 2 - 1
    codes = model.encode(pictures)
    assert codes.unique().numel() > 1
    assert torch.equal(plain.encode(pictures), codes)
    assert torch.equal(plain.decode(codes), model.decode(codes))
    assert set(plain.quantizer.state_dict()) == {"codebook"}
    assert not plain.training


def test_pictures_and_their_order_are_of_the_seed(monkeypatch, tmp_path):
    seeds = {}
    for name in ("draw", "train"):
        inner = getattr(recipe, name)

        def spied(*given, name=name, inner=inner, **options):
            seeds[name] = options["seed"]
            return inner(*given, **options)

        monkeypatch.setattr(recipe, name, spied)
    train_vqvae(tmp_path, "smoke", seed=7)
    assert seeds == {"draw": 7, "train": 7}


def test_a_killed_run_goes_on_by_the_same_command(monkeypatch, tmp_path):
    train_vqvae(tmp_path / "whole", "smoke")
    with monkeypatch.context() as patch:

        def dies(model, n):
            raise Killed

        patch.setattr(recipe, "measure_vqvae", dies)
        with pytest.raises(Killed):
            train_vqvae(tmp_path / "broken", "smoke")
    log = (tmp_path / "broken" / "log.jsonl").read_text()
    train_vqvae(tmp_path / "broken", "smoke")
    assert (tmp_path / "broken" / "log.jsonl").read_text() == log, "it trained again"
    first, second = (load_file(tmp_path / n / "model.safetensors") for n in ("whole", "broken"))
    assert all((first[name] == second[name]).all() for name in first)


def test_a_folder_of_another_run_is_refused(monkeypatch, tmp_path):
    with monkeypatch.context() as patch:

        def dies(model, n):
            raise Killed

        patch.setattr(recipe, "measure_vqvae", dies)
        with pytest.raises(Killed):
            train_vqvae(tmp_path, "smoke")
    with pytest.raises(ValueError, match="choose another --out or delete it"):
        train_vqvae(tmp_path, "smoke", seed=1)
    with pytest.raises(ValueError, match="precision is 'half'"):
        train_vqvae(tmp_path / "other", "smoke", precision="half")
