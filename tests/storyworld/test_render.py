"""Drawing: any size, always the same, and never a picture that another drawing can spoil."""

import json
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image

from mmcourse.storyworld import ATTRIBUTES, Character, Scene, Thing, render
from mmcourse.storyworld.drawing.characters import GIRTH
from mmcourse.storyworld.world.sampling import Dice, sample_identity
from mmcourse.storyworld.world.vocabulary import (
    CHARACTER_ATTRIBUTES,
    NAMES,
    POSITIONS,
    SCENE_ATTRIBUTES,
    STYLES,
    VARIATIONS,
)

DATA = Path(__file__).parent / "data"
COLUMNS, SIDE = 6, 64


def awake(look):
    """Nobody sleeps angry or surprised."""
    if look["action"] == "sleeping" and look["mood"] not in ("happy", "sad"):
        return {**look, "mood": "sad"}
    return look


def gallery() -> list[Scene]:
    """Scenes that show every value of every attribute, whatever sampling draws."""

    def at(attribute, i):
        return ATTRIBUTES[attribute][i % len(ATTRIBUTES[attribute])]

    scenes = []
    for i in range(24):
        n = 1 + i % 3
        positions = {1: POSITIONS[i % 2 :][:1], 2: ("left", "right"), 3: POSITIONS}[n]
        characters = tuple(
            Character(
                **awake({a: at(a, i + (1 + k) * j) for k, a in enumerate(CHARACTER_ATTRIBUTES)}),
                position=position,
                name=NAMES[j],
                identity=sample_identity(Dice("gallery", i, j)) if i >= 12 else (),
            )
            for j, position in enumerate(positions)
        )
        spots = ("right",) if n == 1 else ("left", "right") if n == 3 else ("middle", "right")
        things = tuple(
            Thing(at("kind", i + j), at("thing_colour", i + 2 * j), spot)
            for j, spot in enumerate(spots)
        )
        setting = {a: at(a, i // (1 + k)) for k, a in enumerate(SCENE_ATTRIBUTES)}
        style = STYLES[i % 4] if i >= 12 else "flat"
        camera = "close" if n == 1 and i >= 12 else "medium"
        variation = VARIATIONS[i % 4]
        scenes.append(Scene(characters, things, **setting, style=style, variation=variation,
                            camera=camera))  # fmt: skip
    return scenes


def contact_sheet() -> Image.Image:
    """The gallery on one sheet."""
    scenes = gallery()
    sheet = Image.new("RGB", (COLUMNS * SIDE, len(scenes) // COLUMNS * SIDE))
    for i, scene in enumerate(scenes):
        sheet.paste(render(scene, SIDE), (i % COLUMNS * SIDE, i // COLUMNS * SIDE))
    return sheet


def hashes() -> list[str]:
    import hashlib

    return [hashlib.sha256(render(s, SIDE).tobytes()).hexdigest()[:16] for s in gallery()]


def test_the_gallery_shows_every_value():
    scenes = gallery()
    shown = {(a, getattr(c, a)) for s in scenes for c in s.characters for a in CHARACTER_ATTRIBUTES}
    shown |= {(a, getattr(s, a)) for s in scenes for a in SCENE_ATTRIBUTES}
    shown |= {("kind", t.kind) for s in scenes for t in s.things}
    shown |= {("thing_colour", t.colour) for s in scenes for t in s.things}
    assert shown == {(a, value) for a, values in ATTRIBUTES.items() for value in values}


def test_pictures_are_those_of_the_reference_sheet():
    """With Pillow's version that drew the sheet, to the byte; with another, to the eye.

    After a change of the drawings that is meant: `python tests/storyworld/test_render.py`, and look
    at the new sheet.
    """
    stored = json.loads((DATA / "gallery.json").read_text(encoding="utf-8"))
    with Image.open(DATA / "gallery.png") as reference:
        expected = np.asarray(reference.convert("RGB")).astype(np.int16)
    difference = np.abs(np.asarray(contact_sheet()).astype(np.int16) - expected)
    assert difference.mean() < 0.2
    assert (difference.max(-1) > 32).mean() < 0.002
    if PIL.__version__ == stored["pillow"]:
        assert hashes() == stored["hashes"]


SCENE = gallery()[5]


@pytest.mark.parametrize("size", [16, 17, 63, 64, 100, 128, 129, 256, 512, 2048])
def test_a_picture_has_the_size_that_was_asked_for(size):
    picture = render(SCENE, size)
    assert (picture.size, picture.mode) == ((size, size), "RGB")


@pytest.mark.parametrize("size", [-64, 0, 15, 2049, 100_000])
def test_a_size_out_of_range_is_refused(size):
    with pytest.raises(ValueError, match=f"size must be 16 to 2048 pixels, got {size}") as error:
        render(SCENE, size)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("size", [64, 128, 512])
def test_the_same_scene_at_another_size_is_the_same_picture(size):
    large = render(SCENE, 4 * size if size < 512 else 256)
    small = render(SCENE, size if size < 512 else 64)
    shrunk = large.reduce(large.width // small.width)
    difference = np.abs(np.asarray(shrunk).astype(float) - np.asarray(small))
    assert difference.mean() < 4


@pytest.mark.parametrize("supersample", [None, 1, 2])
def test_drawing_on_a_picture_does_not_change_the_next_one(supersample):
    """Backdrops are kept and shared: a picture must be a copy."""
    for scene in gallery():
        first = render(scene, 64, supersample)
        before = first.tobytes()
        first.paste((255, 0, 255), (0, 0, 64, 64))
        assert render(scene, 64, supersample).tobytes() == before


def test_the_order_of_drawing_does_not_matter():
    scenes = gallery()
    forwards = [render(s, 32).tobytes() for s in scenes]
    backwards = [render(s, 32).tobytes() for s in scenes[::-1]]
    assert forwards == backwards[::-1]


def test_names_and_the_order_of_characters_are_not_drawn():
    a = Character("fox", "red", position="left", name="Pip")
    b = Character("owl", "blue", "crown", position="right", name="Dot")
    c = Character("owl", "blue", "crown", position="right", name="Zuri")
    pictures = {render(Scene(two)).tobytes() for two in ((a, b), (b, a), (a, c))}
    assert len(pictures) == 1


def test_supersampling_smooths_without_moving():
    sharp, smooth = (np.asarray(render(SCENE, 64, k)).astype(float) for k in (1, 8))
    assert np.abs(sharp - smooth).mean() < 12
    assert len(np.unique(smooth.reshape(-1, 3), axis=0)) > len(
        np.unique(sharp.reshape(-1, 3), axis=0)
    )


def test_nothing_is_cut_off():
    """Every animal, with its arms up and whatever it wears, stays inside the picture; a hand of the
    stout may touch the edge where three share it."""
    for species in ATTRIBUTES["species"]:
        for accessory in ATTRIBUTES["accessory"]:
            for n in (1, 2, 3):
                found = _painted(species, accessory, n)
                touching = GIRTH[species] > 1 and n == 3
                assert found[:, 0].sum() <= (5 if touching else 0), f"{species}, {accessory}, {n}"
                assert not found[0].any(), f"{species} with {accessory}, {n} characters: top"


def _painted(species, accessory, n):
    """Where the picture with a jumping animal on the left differs from the one without it."""
    others = [
        Character("cat" if species != "cat" else "fox", colour, position=p, name=name)
        for p, name, colour in (("right", "Dot", "white"), ("middle", "Una", "yellow"))
    ][: n - 1]
    leaper = Character(species, "red", accessory, "happy", "jumping", "left", "Pip")
    stander = Character(species, "blue", accessory, "sad", "standing", "left", "Pip")
    a, b = (
        np.asarray(render(Scene((c, *others)), 128)).astype(np.int16) for c in (leaper, stander)
    )
    return np.abs(a - b).max(-1) > 8


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    contact_sheet().save(DATA / "gallery.png", optimize=True)
    text = json.dumps({"pillow": PIL.__version__, "hashes": hashes()}, indent=2) + "\n"
    (DATA / "gallery.json").write_text(text, encoding="utf-8")
