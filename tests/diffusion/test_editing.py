"""Editing: what is kept is kept to the last bit, what is asked for is drawn."""

import pytest
import torch

from mmcourse.diffusion.editing import inpaint, latent_mask, outside_change, redraw
from mmcourse.diffusion.generate import Pixels, Way
from mmcourse.diffusion.samplers import SAMPLERS
from mmcourse.diffusion.unet import PixelUNet

from .conftest import awake, small_unet

WAY = Way(steps=4, guidance=1.0)
TEXTS = ["a red fox", "a blue owl"]


class Blocks:
    """An autoencoder that loses: 16 pixels to 8 places of 4 numbers; its decoder looks around."""

    def encode(self, x):
        small = torch.nn.functional.avg_pool2d(x, 2)
        return torch.cat([small, small[:, :1]], 1)

    def decode(self, z):
        wide = torch.nn.functional.interpolate(z[:, :3], scale_factor=2.0, mode="bilinear")
        return wide.clamp(-1, 1)


def pictures(side=16):
    return torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1


def mask(side=16):
    where = torch.zeros(2, 1, side, side, dtype=torch.bool)
    where[0, :, 3:8, 4:9] = True
    where[1, :, 10:, :] = True
    return where


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("path", ["flow", "cosine"])
def test_outside_the_mask_nothing_changes(reader, sampler, path):
    model = awake(small_unet(path=path, objective="flow" if path == "flow" else "v"))
    way = Way(steps=4, guidance=2.0, sampler=sampler)
    x = pictures()
    out, z = inpaint(model, Blocks(), x, mask(), way, (reader, TEXTS))
    inside = latent_mask(mask(), z)
    assert outside_change(Blocks().encode(x), z, inside) == 0.0
    assert outside_change(x, out, mask()) == 0.0
    assert (out - x)[mask().expand_as(x)].abs().max() > 0.1
    assert out.abs().max() <= 1


def test_what_is_inside_depends_on_what_is_outside(reader):
    """The denoiser sees the picture at every step, not a hole in it."""
    model = awake(small_unet())
    x = pictures()
    other = x.clone()
    other[0, :, 12:, 12:] = 1.0
    a, b = (inpaint(model, Blocks(), y, mask(), WAY, (reader, TEXTS))[1] for y in (x, other))
    here = latent_mask(mask(), a)[:1].expand_as(a[:1])
    assert (a[:1] - b[:1])[here].abs().max() > 1e-4


def test_a_place_is_drawn_if_any_of_its_pixels_is():
    places = latent_mask(mask(), torch.zeros(2, 4, 8, 8))
    assert places[0, 0].nonzero().amin(0).tolist() == [1, 2]
    assert places[0, 0].nonzero().amax(0).tolist() == [3, 4]
    assert places[1, 0].sum() == 3 * 8


def test_a_little_strength_changes_little_and_much_changes_much():
    """A denoiser that says "grey" pulls a picture there, the further the more noise there was."""
    model = PixelUNet(size=16, widths=(16, 32), looking=(), objective="flow", path="flow").eval()
    x = pictures()
    way = Way(steps=20, guidance=1.0, sampler="euler")
    far = [float((redraw(model, Pixels(), x, s, way) - x).abs().mean()) for s in (0.1, 0.4, 0.8)]
    assert far[0] < far[1] < far[2]
    assert far[0] < 0.2


def test_at_full_strength_nothing_is_left_of_the_picture():
    model = awake(PixelUNet(size=16, widths=(16, 32), looking=(), objective="flow", path="flow"))
    a, b = (redraw(model, Pixels(), x, 1.0, WAY) for x in (pictures(), -pictures()))
    torch.testing.assert_close(a, b)


def test_words_steer_a_redrawing(reader):
    model = awake(small_unet())
    a, b = (redraw(model, Blocks(), pictures(), 0.8, WAY, (reader, t), [3, 4])
            for t in (TEXTS, TEXTS[::-1]))  # fmt: skip
    assert not torch.allclose(a, b, atol=1e-4)
    again = redraw(model, Blocks(), pictures(), 0.8, WAY, (reader, TEXTS), [3, 4])
    assert torch.equal(a, again)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda m, r: inpaint(m, Blocks(), pictures(), mask(8), WAY), r"\(2, 1, 8, 8\), expected"),
        (lambda m, r: inpaint(m, Blocks(), pictures(), mask().float(), WAY), "torch.float32"),
        (lambda m, r: inpaint(m, Blocks(), pictures(), ~mask() & mask(), WAY), "nothing to draw"),
        (lambda m, r: redraw(m, Blocks(), pictures(), 0.0, WAY), "strength is 0"),
        (lambda m, r: redraw(m, Blocks(), pictures(), 1.5, WAY), "strength is 1.5"),
        (lambda m, r: redraw(m, Blocks(), pictures(32), 0.5, WAY), r"\(4, 16, 16\): resize"),
        (lambda m, r: redraw(m, Blocks(), pictures() * torch.nan, 0.5, WAY), "NaN"),
        (lambda m, r: redraw(m, Blocks(), pictures(), 0.5, Way()), "needs words"),
        (lambda m, r: redraw(m, Blocks(), pictures(), 0.5, WAY, (r, ["a fox"])), "got 1 for 2"),
        (
            lambda m, r: redraw(
                PixelUNet(size=16), Pixels(), pictures(), 0.5, WAY, (r, ["a fox"] * 2)
            ),
            "draws without words",
        ),
        (
            lambda m, r: latent_mask(mask(), torch.zeros(2, 4, 5, 5)),
            "does not divide",
        ),
        (lambda m, r: outside_change(pictures(), pictures(), mask() | True), "covers everything"),
    ],
)
def test_what_cannot_be_edited_is_refused_in_one_line(reader, call, said):
    with pytest.raises(ValueError, match=said) as caught:
        call(small_unet().eval(), reader)
    assert "\n" not in str(caught.value)


def test_an_edit_does_not_depend_on_its_company(reader):
    model, way = awake(small_unet()), Way(steps=4, guidance=1.0, sampler="ddpm")
    last = slice(1, 2)
    told, alone = (reader, TEXTS), (reader, TEXTS[last])
    both = redraw(model, Blocks(), pictures(), 0.8, way, told, [5, 6])
    one = redraw(model, Blocks(), pictures()[last], 0.8, way, alone, [6])
    torch.testing.assert_close(both[last], one, rtol=0, atol=1e-4)
    both = inpaint(model, Blocks(), pictures(), mask(), way, told, [5, 6])[0]
    one = inpaint(model, Blocks(), pictures()[last], mask()[last], way, alone, [6])[0]
    torch.testing.assert_close(both[last], one, rtol=0, atol=1e-4)
