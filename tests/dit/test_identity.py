"""The identity encoder: what it reads, how it is trained, what it refuses, what its card says."""

import numpy as np
import pytest
import torch
from PIL import Image

from mmcourse.dit import identity_recipe, identity_train
from mmcourse.dit.heroes import cut_around, portrait, starring
from mmcourse.dit.identity import IdentityEncoder
from mmcourse.dit.identity_measure import embedded, measure_identity, read_traits
from mmcourse.dit.identity_train import moved, train
from mmcourse.dit.portraits import Portraits, draw_portraits
from mmcourse.hub import read_card
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.identity import visible


def small():
    torch.manual_seed(0)
    return IdentityEncoder((8, 8, 8, 16), 24)


def shown(n=8):
    """Grey squares, as light as their first trait says."""
    dice = torch.Generator().manual_seed(0)
    traits = torch.rand(n, 8, generator=dice) * 2 - 1
    pixels = (128 + 100 * traits[:, :1, None, None]).expand(n, 64, 64, 3).to(torch.uint8)
    return Portraits(pixels, traits, torch.arange(n) % 8, torch.arange(n) % 8)


def test_portraits_are_the_heroes_of_other_scenes():
    data = draw_portraits(4, every=2)
    for i in range(4):
        star = starring("train", i)
        assert data.traits[i].tolist() == pytest.approx(visible(star.hero.identity))
        assert v.SPECIES[data.species[i]] == star.hero.species
        assert v.COLOURS[data.colours[i]] == star.hero.colour
        drawn = torch.tensor(np.asarray(portrait(star.elsewhere, star.again)))
        away = (drawn.int() - data.pixels[i].int()).abs().float().mean()
        assert away > 1 if i % 2 == 0 else away == 0  # the others were through the autoencoder
        assert away < 25


def test_a_portrait_is_cut_out_of_any_picture_of_its_scene():
    star = starring("train", 5)
    red = Image.new("RGB", (256, 256), (255, 0, 0))
    assert cut_around(red, star.elsewhere, star.again, 32).size == (32, 32)
    assert cut_around(red, star.elsewhere, star.again).getcolors() == [(4096, (255, 0, 0))]


def test_what_shows_is_learned():
    data, model = shown(32), small()
    rows = list(train(model, data, steps=80, batch_size=16, lr=3e-3))
    assert len(rows) == 80
    said, true = read_traits(model, data)
    assert (said[:, 0] - true[:, 0]).square().mean() < 0.3  # what is to be seen
    assert torch.allclose(true.mean(0), torch.zeros(8), atol=1e-5)
    vectors = embedded(model, data.pixels)
    assert vectors.shape == (32, 24)
    with torch.no_grad():
        assert torch.allclose(model.traits(vectors), model.usual + said * model.spread, atol=1e-4)


def test_a_killed_run_ends_with_the_same_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(identity_train, "SAVE_EVERY", 2)
    whole, broken, again = small(), small(), small()
    rows = list(train(whole, shown(), steps=6, batch_size=4))
    file = tmp_path / "checkpoint.pt"
    loop = train(broken, shown(), steps=6, batch_size=4, checkpoint=file)
    for _ in range(3):
        next(loop)
    loop.close()
    assert list(train(again, shown(), steps=6, batch_size=4, checkpoint=file)) == rows[2:]
    for a, b in zip(whole.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_each_portrait_is_moved_its_own_way_and_not_far():
    ramp = torch.linspace(-1, 1, 64).expand(6, 3, 64, 64)
    out = moved(ramp, torch.Generator().manual_seed(0))
    assert len({round(float(row.mean()), 6) for row in out}) == 6
    assert 0.01 < (out - ramp).abs().mean() < 0.15
    assert torch.equal(out, moved(ramp, torch.Generator().manual_seed(0)))


def test_bad_input_is_one_clear_line():
    model = small()
    with pytest.raises(ValueError, match=r"\(B, 3, 64, 64\) in \[-1, 1\], got \(1, 3, 32, 32\)"):
        model(torch.zeros(1, 3, 32, 32))
    with pytest.raises(ValueError, match="NaN or infinity"):
        model(torch.full((1, 3, 64, 64), torch.nan))
    with pytest.raises(ValueError, match="n must be at least 2, got 1"):
        measure_identity(model, 1)


def test_a_card_is_written_at_the_smallest_tier(tmp_path, monkeypatch):
    few = identity_recipe.Recipe(4, 2, 2, measured=3)
    monkeypatch.setitem(identity_recipe.RECIPES, "smoke", few)
    identity_recipe.train_identity(tmp_path, "smoke", seed=1)
    card = read_card(tmp_path)
    assert card["command"] == "mmcourse train identity --tier smoke --seed 1 --precision no"
    assert {"nearer", "nearer_decoded", "species", "explained_spots"} <= card["metrics"].keys()
    assert card["metrics"]["nearer"]["chance"] == 0.5


def test_measuring_again_gives_what_the_card_states():
    stated, model = read_card("identity")["metrics"], IdentityEncoder.from_pretrained("identity")
    found = measure_identity(model.eval(), 60)
    for name in ("nearer", "nearer_decoded", "species", "colours", "explained_socks"):
        band = stated[name]["band"]
        assert found[name]["value"] == pytest.approx(stated[name]["value"], abs=band), name


def test_the_usual_needs_two_rows_of_numbers():
    encoder = IdentityEncoder()
    for traits in (torch.rand(1, 8), torch.full((3, 8), torch.nan)):
        with pytest.raises(ValueError, match="two rows of finite traits"):
            encoder.take_as_usual(traits)
    assert torch.equal(encoder.spread, torch.ones(8))
