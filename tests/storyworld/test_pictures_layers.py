"""Depth, segmentation, views and animations agree with the picture that they belong to."""

from dataclasses import replace

import numpy as np
import pytest

from mmcourse.storyworld import Character, Scene, Thing, render, sample_scene
from mmcourse.storyworld.drawing.animate import KINDS, frames
from mmcourse.storyworld.drawing.depth import LABELS, depth, layers, segmentation
from mmcourse.storyworld.drawing.views import View
from mmcourse.storyworld.world.scene import Interaction
from mmcourse.storyworld.world.vocabulary import PLACES

FOX = Character("fox", "red", position="left", name="Pip", identity=(0.3,) * 8)
OWL = Character("owl", "blue", position="right", name="Dot")
BOTH = Scene((FOX, OWL), (Thing("ball", "green", "middle"),))


def far_from(a, b, floor=24):
    """Where two pictures clearly differ."""
    return np.abs(np.asarray(a).astype(int) - np.asarray(b).astype(int)).max(-1) > floor


def grown(mask, by=2):
    """A mask and what lies within `by` pixels of it."""
    out = mask.copy()
    for _ in range(by):
        padded = np.pad(out, 1)
        out = padded[1:-1, 1:-1] | padded[:-2, 1:-1] | padded[2:, 1:-1]
        out |= padded[1:-1, :-2] | padded[1:-1, 2:]
    return out


def test_every_character_and_thing_is_in_the_segmentation_and_nobody_else():
    for i in range(120):
        scene = sample_scene("train", i)
        shown = {LABELS[k] for k in np.unique(segmentation(scene, 64))}
        people = {f"character:{c.position}" for c in scene.characters}
        things = {f"thing:{t.position}" for t in scene.things}
        assert people <= shown
        assert shown <= people | things | {"sky", "land", "sign"}
        assert ("sign" in shown) <= (scene.interaction is not None)


def test_recolouring_somebody_changes_the_picture_where_the_segmentation_says():
    """Blue or red, nothing changes outside the fox, and nearly all of the fox does."""
    blue = replace(BOTH, characters=(replace(FOX, colour="purple"), OWL))
    changed = far_from(render(BOTH, 128), render(blue, 128))
    fox = segmentation(BOTH, 128) == LABELS.index("character:left")
    assert not (changed & ~grown(fox)).any()
    assert changed[fox].mean() > 0.45


def test_taking_a_thing_away_shows_what_was_behind_it():
    bare = replace(BOTH, things=())
    changed = far_from(render(BOTH, 128), render(bare, 128), 60)
    thing = segmentation(BOTH, 128) == LABELS.index("thing:middle")
    assert not (changed & ~grown(thing, 6)).any()


def test_what_is_painted_later_is_never_farther_away():
    for i in range(60):
        scene = sample_scene("val", i)
        whole = depth(scene, 64)
        for things in (scene.things[:1], ()):
            act = scene.interaction if things == scene.things else None
            fewer = replace(scene, things=things, interaction=act)
            base = replace(scene, interaction=act)
            assert (depth(base, 64) <= depth(fewer, 64) + 1e-6).all()
        assert whole.dtype == np.float32
        assert 0 <= whole.min() < whole.max() == 1


def test_depth_and_segmentation_come_from_the_same_layers():
    for place in PLACES:
        scene = replace(BOTH, place=place)
        seg, far, found = segmentation(scene, 96), depth(scene, 96), layers(scene, 96)
        assert seg.shape == far.shape == found.index.shape == (96, 96)
        sky, land = far[seg == 0], far[seg == 1]
        assert sky.min() > 0.95 > land.max()
        fox = far[seg == LABELS.index("character:left")]
        assert fox.min() == fox.max() < land.min()
        below = far[-1][seg[-1] == 1]
        assert below.max() < far[np.nonzero(seg == 1)].max()


def test_a_pan_moves_near_layers_farther_than_far_ones():
    centre = {}
    for pan in (0.0, 0.5):
        seg = segmentation(BOTH, 256, View(pan=pan))
        centre[pan] = {
            k: np.nonzero(seg == LABELS.index(k))[1].mean()
            for k in ("character:left", "thing:middle")
        }
    fox, ball = (centre[0.0][k] - centre[0.5][k] for k in ("character:left", "thing:middle"))
    assert ball > fox > 10


def test_an_angle_keeps_the_characters_and_moves_the_land():
    straight, turned = segmentation(BOTH, 128), segmentation(BOTH, 128, View(angle=0.7))
    fox = LABELS.index("character:left")
    assert ((straight == fox) == (turned == fox)).mean() > 0.98
    assert far_from(render(BOTH, 128), render(BOTH, 128, view=View(angle=0.7))).mean() > 0.02


def test_a_zoom_enlarges():
    fox = LABELS.index("character:left")
    share = [(segmentation(BOTH, 128, View(zoom=z)) == fox).mean() for z in (1.0, 1.3)]
    assert share[1] > 1.2 * share[0]


@pytest.mark.parametrize("pan", [-1.0, 1.0])
@pytest.mark.parametrize("place", PLACES)
def test_no_view_looks_past_the_edge_of_the_land(pan, place):
    seg = segmentation(replace(BOTH, place=place), 64, View(pan=pan))
    assert (seg[-1] != 0).all()


@pytest.mark.parametrize(
    ("fields", "named"),
    [({"pan": 2}, "pan must be -1 to 1, got 2"), ({"zoom": 0.5}, "zoom must be 1 to 3, got 0.5"),
     ({"angle": -3}, "angle must be -1 to 1, got -3")],
)  # fmt: skip
def test_a_view_out_of_range_is_refused(fields, named):
    with pytest.raises(ValueError, match=named):
        View(**fields)


WAVES = replace(BOTH, characters=(replace(FOX, action="waving"), OWL))


@pytest.mark.parametrize("kind", KINDS)
def test_frames_move_and_are_the_same_every_time(kind):
    scene = WAVES if kind == "wave" else BOTH
    first, again = frames(scene, kind, 5, 48), frames(scene, kind, 5, 48)
    assert len(first) == 5
    assert [p.tobytes() for p in first] == [p.tobytes() for p in again]
    assert len({p.tobytes() for p in first}) >= 4


def test_the_sun_sets_on_characters_that_do_not_change():
    shots = frames(BOTH, "sunset", 3, 64)
    for shot, time in zip(shots, ("day", "sunset", "night")):
        expected = np.asarray(render(replace(BOTH, time=time), 64)).astype(int)
        body = segmentation(BOTH, 64) >= 2
        assert np.abs(np.asarray(shot).astype(int) - expected)[body].max() <= 2


def test_a_wave_moves_one_arm_alone():
    shots = [np.asarray(p).astype(int) for p in frames(WAVES, "wave", 4, 128)]
    moved = np.max([np.abs(s - shots[0]).max(-1) for s in shots[1:]], axis=0) > 24
    assert moved.any()
    owl = segmentation(WAVES, 128) == LABELS.index("character:right")
    assert moved[owl].mean() < 0.05


def test_what_falls_ends_where_it_lies():
    assert np.array_equal(np.asarray(frames(BOTH, "fall", 9, 64)[-1]), np.asarray(render(BOTH, 64)))


@pytest.mark.parametrize(
    ("scene", "kind", "n", "size", "named"),
    [
        (BOTH, "dance", 8, 64, "'dance' does not exist.*walk"),
        (BOTH, "walk", 1, 64, "n must be 2 to 64 frames, got 1"),
        (BOTH, "walk", 8, 0, "size must be 16 to 2048 pixels, got 0"),
        (BOTH, "wave", 8, 64, "nobody waves"),
        (replace(BOTH, things=()), "fall", 8, 64, "nothing to fall"),
        (WAVES, "walk", 8, 64, "must be standing first"),
    ],
)
def test_animations_that_cannot_be_are_refused(scene, kind, n, size, named):
    with pytest.raises(ValueError, match=named) as error:
        frames(scene, kind, n, size)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("size", [0, 15, 100_000])
def test_maps_of_impossible_sizes_are_refused(size):
    for make in (depth, segmentation):
        with pytest.raises(ValueError, match=f"got {size}"):
            make(BOTH, size)


def test_the_gift_is_between_the_two():
    act = Interaction("give", "left", "right", "ball")
    scene = Scene((FOX, OWL), (Thing("ball", "green", "left"),), interaction=act)
    columns = {
        k: np.nonzero(segmentation(scene, 128) == LABELS.index(k))[1].mean()
        for k in ("character:left", "thing:left", "character:right")
    }
    assert columns["character:left"] < columns["thing:left"] < columns["character:right"]
