"""Inpainting leaves the rest alone, style transfer asks for what it says, distances see copies."""

import pytest
import torch

from mmcourse.storyworld import Tokenizer, sample_scene
from mmcourse.storyworld.world.vocabulary import STYLES
from mmcourse.vqgan import VQGAN, ResidualPrior
from mmcourse.vqgan.inpaint import inpaint
from mmcourse.vqgan.prior_measure import nearest_distances
from mmcourse.vqgan.style import other_style, restyle, style_words


@pytest.fixture(scope="module")
def models() -> tuple[ResidualPrior, VQGAN]:
    torch.manual_seed(0)
    model = VQGAN(2, "vq", {"num_codes": 9, "dim": 4}, widths=(8, 8), half_width=8).eval()
    prior = ResidualPrior(len(Tokenizer()), 9, 2, dim=4, grid=(2, 2), width=64, depth=1).eval()
    return prior, model


def test_outside_the_hole_every_pixel_stays_and_inside_something_is_drawn(models) -> None:
    pictures = torch.rand(2, 3, 16, 16) * 2 - 1
    hole = torch.zeros(16, 16, dtype=torch.bool)
    hole[3:6, 9:12] = True
    ids, _ = Tokenizer().encode(["a red fox", "a blue owl"])
    dice = torch.Generator().manual_seed(0)
    filled = inpaint(models, pictures, hole, ids, generator=dice)
    assert torch.equal(filled[..., ~hole], pictures[..., ~hole])
    assert (filled[..., hole] - pictures[..., hole]).abs().mean() > 0.05
    whole = inpaint(models, pictures, torch.ones_like(hole), ids, generator=dice)
    assert whole.shape == pictures.shape
    for wrong, words in (
        (hole[:8], r"must be bool \(16, 16\)"),
        (hole.float(), "must be bool"),
        (torch.zeros_like(hole), "the hole is empty"),
    ):
        with pytest.raises(ValueError, match=words):
            inpaint(models, pictures, wrong, ids)


def test_only_tiles_that_the_hole_touches_get_new_codes(models, monkeypatch) -> None:
    seen = {}

    def spied(prior, ids, how, **options):
        seen.update(options)
        return options["kept"][0]

    monkeypatch.setattr("mmcourse.vqgan.inpaint.sample_masked", spied)
    hole = torch.zeros(16, 16, dtype=torch.bool)
    hole[7, 8] = True
    inpaint(models, torch.zeros(1, 3, 16, 16), hole, torch.tensor([[1, 2]]))
    assert seen["kept"][1].tolist() == [[True, False], [True, True]]


def test_styles_are_asked_for_by_the_worlds_own_words(models) -> None:
    ids, _ = Tokenizer().encode([style_words(style) for style in STYLES])
    assert len(ids.unique(dim=0)) == len(STYLES)
    scene = sample_scene("test", 0)
    others = {other_style(scene, i).style for i in range(3)}
    assert others == set(STYLES) - {scene.style}
    assert other_style(scene, 0).characters == scene.characters
    codes = torch.zeros(2, 2, 2, 2, dtype=torch.int64)
    drawn = restyle(models[0], codes, "neon", generator=torch.Generator().manual_seed(0))
    assert drawn.shape == codes.shape
    with pytest.raises(ValueError, match="no style is called 'oil'; choose one of flat"):
        restyle(models[0], codes, "oil")


def test_a_copy_is_near_and_its_mirror_is_not() -> None:
    pictures = torch.randint(256, (5, 32, 32, 3), dtype=torch.uint8,
                             generator=torch.Generator().manual_seed(0))  # fmt: skip
    smooth = pictures.repeat_interleave(4, 1).repeat_interleave(4, 2)[:, :32, :32]
    assert nearest_distances(smooth[2:4], smooth).max() < 1e-3
    assert nearest_distances(smooth[2:4].flip(2), smooth).min() > 0.1
