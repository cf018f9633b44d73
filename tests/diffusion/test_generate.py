"""From sentences to pictures: seeds, batches, ways, and what is refused."""

import numpy as np
import pytest
import torch

from mmcourse.diffusion.generate import (
    Pixels,
    Way,
    draw_freely,
    draw_texts,
    noise_and_dice,
    starting_noise,
    steps_from_words,
)
from mmcourse.diffusion.samplers import SAMPLERS
from mmcourse.diffusion.steps import fresh_noise
from mmcourse.diffusion.unet import PixelUNet

from .conftest import awake, small_unet

TEXTS = ["a red fox", "a blue owl on the beach at night", "a green cat"]


class Squashed:
    """Stands in for an autoencoder: four channels to three."""

    def encode(self, x):
        return torch.cat([x, x[:, :1]], 1)

    def decode(self, z):
        return z[:, :3].tanh()


def draw(reader, texts=TEXTS, seeds=(5, 6, 7), **options):
    model = awake(small_unet(tower="tower"))
    return draw_texts(model, Squashed(), reader, texts, Way(steps=3), seeds, **options)


def test_the_same_seed_gives_the_same_picture_in_any_company(reader):
    together = draw(reader)
    assert together.shape == (3, 8, 8, 3)
    assert together.dtype == torch.uint8
    for i in range(3):
        alone = draw(reader, TEXTS[i : i + 1], [5 + i])
        assert (alone.int() - together[i : i + 1].int()).abs().max() <= 1
    assert torch.equal(draw(reader), together)
    assert not torch.equal(draw(reader, seeds=(1, 2, 3)), together)
    split = draw(reader, batch=2)
    assert (split.int() - together.int()).abs().max() <= 1


def test_noise_is_the_generators_own_row_by_row():
    rows = starting_noise((2, 3, 3), [4, 9])
    expected = torch.randn(2, 3, 3, generator=torch.Generator().manual_seed(9))
    assert torch.equal(rows[1], expected)


def test_every_step_can_be_looked_at(reader):
    model = awake(small_unet())
    seen = list(steps_from_words(model, reader, TEXTS, Way(steps=4), [0, 1, 2]))
    assert [step.level.t for step in seen] == [750.0, 500.0, 250.0, 0.0]
    assert not model.training


def test_guidance_changes_pictures_and_scale_one_does_not_ask_for_a_null(reader):
    model = awake(small_unet())
    pictures = [
        draw_texts(model, Squashed(), reader, TEXTS, Way(steps=3, guidance=s)) for s in (1.0, 6.0)
    ]
    assert not torch.equal(*pictures)
    model.null = None  # not called
    again = draw_texts(model, Squashed(), reader, TEXTS, Way(steps=3, guidance=1.0))
    assert torch.equal(again, pictures[0])


def test_pictures_without_words():
    model = awake(PixelUNet(size=8, widths=(16, 32), looking=()))
    way = Way(steps=3, guidance=1.0, sampler="ddpm")
    pictures = draw_freely(model, Pixels(), 5, way, seed=2, batch=5)
    assert pictures.shape == (5, 8, 8, 3)
    assert torch.equal(draw_freely(model, Pixels(), 5, way, seed=2, batch=5), pictures)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda m, r: Way(sampler="euler2"), "'euler2'.*ddim"),
        (lambda m, r: list(steps_from_words(m, r, [], Way(), [])), "0 texts"),
        (lambda m, r: list(steps_from_words(m, r, ["a fox"], Way(), [1, 2])), "2 seeds"),
        (lambda m, r: list(steps_from_words(m, r, ["a dragonn"], Way(), [1])), "'dragonn'"),
        (lambda m, r: list(steps_from_words(m, r, ["a fox"], Way(steps=0), [1])), "steps is 0"),
        (
            lambda m, r: draw_freely(PixelUNet(), Pixels(), 1, Way(guidance=2.0)),
            "PixelUNet and draws without words: use guidance 1",
        ),
        (
            lambda m, r: draw_freely(PixelUNet(), Pixels(), 1, Way(steps=2000, guidance=1)),
            "steps is 2000, expected a whole number, 1 to 1000",
        ),
        (
            lambda m, r: list(
                steps_from_words(small_unet(tower="elsewhere"), r, ["a fox"], Way(), [1])
            ),
            "joint elsewhere",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_line(reader, call, said):
    with pytest.raises(ValueError, match=said) as caught:
        call(awake(small_unet()), reader)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_picture_does_not_depend_on_its_company_in_any_sampler(reader, sampler):
    model, way = awake(small_unet(tower="tower")), Way(steps=3, sampler=sampler)
    together = draw_texts(model, Squashed(), reader, TEXTS[:2], way, [5, 6])
    alone = draw_texts(model, Squashed(), reader, TEXTS[1:2], way, [6])
    assert (together[1:].int() - alone.int()).abs().max() <= 1


def test_fresh_noise_is_not_the_noise_that_was_started_from():
    noise, dice = noise_and_dice((4, 8, 8), [5, 6])
    assert torch.equal(noise, starting_noise((4, 8, 8), [5, 6]))
    again = fresh_noise(noise, dice)
    assert (again * noise).flatten(1).mean(1).abs().max() < 0.3
    with pytest.raises(ValueError, match="2 generators for 3 rows"):
        fresh_noise(torch.zeros(3, 4), dice)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float64])
def test_a_model_in_another_precision_draws_nearly_the_same(reader, kind):
    model, way = awake(small_unet(tower="tower")), Way(steps=3)
    usual = draw_texts(model, Squashed(), reader, TEXTS, way)
    other = draw_texts(model.to(kind), Squashed(), reader, TEXTS, way)
    assert (usual.int() - other.int()).abs().float().mean() < 3
    free = Way(steps=3, guidance=1.0)
    assert draw_freely(PixelUNet().eval().to(kind), Pixels(), 1, free).shape == (1, 32, 32, 3)


@pytest.mark.parametrize("batch", [0, -1, 1.5])
def test_a_batch_holds_something(reader, batch):
    with pytest.raises(ValueError, match=f"batch is {batch}, expected a whole number"):
        draw(reader, batch=batch)
    with pytest.raises(ValueError, match="a list of captions, got one string"):
        draw(reader, "a red fox")


def test_seeds_may_be_an_array_and_the_default_type_another(reader):
    seeds = np.array([5, 6, 7])
    assert torch.equal(draw(reader, seeds=seeds), draw(reader))
    torch.set_default_dtype(torch.float64)
    try:
        assert starting_noise((2, 3), seeds).dtype == torch.float32
    finally:
        torch.set_default_dtype(torch.float32)
