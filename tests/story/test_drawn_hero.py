"""A drawing becomes the nearest hero of the world."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mmcourse.story.backends.drawn_hero import hero_from_drawing, nearest_colour, painted
from mmcourse.story.backends.towers import Towers
from mmcourse.storyworld import Character, Scene, render
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.colours import COATS, rgb
from mmcourse.storyworld.world.identity import coat


@pytest.fixture(scope="module")
def towers():
    return Towers()


@pytest.mark.parametrize("colour", v.COLOURS)
def test_the_paint_says_the_colour(colour):
    drawing = Image.new("RGB", (120, 120), "#b8c8b8")
    ImageDraw.Draw(drawing).ellipse((30, 30, 90, 90), fill=COATS[colour], outline="black", width=3)
    paint = painted(drawing)
    assert np.abs(paint - rgb(COATS[colour])).max() < 12
    assert nearest_colour(paint) == colour


@pytest.mark.parametrize("species", ["owl", "elephant", "frog"])
def test_one_of_the_worlds_own_is_recognised(species, towers):
    who = Character(species, "blue", identity=(0.9, 0.5, -0.9, -0.9, 0.9, 0, 0, 0))
    guess = hero_from_drawing(render(Scene((who,), camera="close"), 128), towers, "Zuri")
    assert guess.hero.looks["species"] == species
    assert guess.hero.name == "Zuri"
    assert guess.sure > 0
    assert species not in guess.others
    assert guess.picture.size == (256, 256)


def test_the_reader_corrects_and_the_same_drawing_gives_the_same_hero(towers):
    drawing = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(drawing).ellipse((10, 10, 54, 54), fill=coat("red", (1.0, 0.5, *(0,) * 6)))
    guess = hero_from_drawing(drawing, towers, species="bear", accessory="hat")
    assert guess.hero.looks == {"species": "bear", "colour": "red", "accessory": "hat"}
    assert guess.hero.identity[0] > 0  # the shade that was painted
    assert hero_from_drawing(drawing, towers, species="bear", accessory="hat") == guess
    with pytest.raises(ValueError, match="species 'dragon' does not exist"):
        hero_from_drawing(drawing, towers, species="dragon")


def test_an_empty_page_is_said_to_be_empty():
    with pytest.raises(ValueError, match="nothing on this drawing yet"):
        painted(Image.new("RGB", (64, 64), "white"))
