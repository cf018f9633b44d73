"""Styles, identities, cameras and interactions: seen at 64x64, refused when they contradict."""

import json
from dataclasses import replace
from itertools import combinations, pairwise, product

import numpy as np
import pytest

from mmcourse.storyworld import Character, Scene, Thing, render, sample_scene
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.colours import COATS, rgb
from mmcourse.storyworld.world.identity import TRAITS, coat, visible
from mmcourse.storyworld.world.sampling import Dice, sample_identity
from mmcourse.storyworld.world.scene import Interaction

FOX = Character("fox", "red", mood="angry", position="left", name="Pip")
CAT = Character("cat", "blue", mood="sad", position="right", name="Dot")
OWL = Character("owl", "white", position="middle", name="Una")


def drawn(scene, size=64):
    return np.asarray(render(scene, size)).astype(np.int16)


def clear(a, b, floor=48):
    return int((np.abs(a - b).max(-1) > floor).sum())


def test_styles_differ_in_every_picture():
    for i in range(12):
        scene = sample_scene("val", i)
        pictures = [drawn(replace(scene, style=s)) for s in v.STYLES]
        for a, b in combinations(pictures, 2):
            assert np.abs(a - b).mean() > 8


@pytest.mark.parametrize("style", v.STYLES)
@pytest.mark.parametrize("attribute", ["species", "colour", "accessory", "mood"])
def test_a_character_can_be_read_in_every_style(style, attribute):
    floor = {"species": 110, "colour": 60, "accessory": 30, "mood": 28}[attribute]
    for species in v.SPECIES:
        base = Character(species, "orange", mood="sad")
        pictures = [
            drawn(Scene((replace(base, **{attribute: x}),), style=style))
            for x in v.CHARACTER_ATTRIBUTES[attribute]
        ]
        worst = min(clear(a, b) for a, b in combinations(pictures, 2))
        assert worst >= floor, f"{species}: {worst}"


@pytest.mark.parametrize("style", v.STYLES)
def test_day_sunset_and_night_and_the_weathers_differ_in_every_style(style):
    base = Scene((OWL,), style=style)
    for attribute, values in (("time", v.TIMES), ("weather", v.WEATHERS), ("place", v.PLACES)):
        pictures = [drawn(replace(base, **{attribute: x})) for x in values]
        assert min(np.abs(a - b).mean() for a, b in combinations(pictures, 2)) > 2.5, attribute


@pytest.mark.parametrize("size", [16, 33, 64, 200])
@pytest.mark.parametrize("style", v.STYLES)
def test_every_style_draws_every_size_the_same_every_time(style, size):
    scene = replace(sample_scene("val", 3), style=style)
    first = render(scene, size)
    assert (first.size, first.mode) == ((size, size), "RGB")
    before = first.tobytes()
    first.paste((255, 0, 255), (0, 0, size, size))
    assert render(scene, size).tobytes() == before


# Identities


IDENTITIES = [sample_identity(Dice("test", i)) for i in range(30)]


def test_two_identities_look_different_and_one_always_the_same():
    for species in v.SPECIES:
        scenes = [Scene((Character(species, "green", identity=i),)) for i in IDENTITIES[:12]]
        pictures = [drawn(s, 128) for s in scenes]
        worst = min(clear(a, b, 20) for a, b in combinations(pictures, 2))
        assert worst >= 25, f"{species}: {worst}"
        assert np.array_equal(drawn(scenes[0], 128), pictures[0])


def test_an_identity_never_leaves_the_name_of_its_colour():
    """Whatever the identity, its coat is nearer to its own colour than to any other."""
    corners = [(a, b, *(0.0,) * 6) for a, b in product((-1.0, 1.0), repeat=2)]
    for colour, identity in product(v.COLOURS, IDENTITIES + corners):
        own = np.array(rgb(coat(colour, identity)), dtype=float)
        nearest = min(v.COLOURS, key=lambda c: np.abs(own - np.array(rgb(COATS[c]))).sum())
        assert nearest == colour, f"{identity}: {coat(colour, identity)} is {nearest}"


@pytest.mark.parametrize("trait", TRAITS)
def test_identities_that_look_alike_show_the_same_traits_and_others_do_not(trait):
    """Along each trait the picture changes exactly where what is visible of it does."""
    at = TRAITS.index(trait)
    steps = [-1.0, -0.7, -0.4, -0.2, 0.0, 0.2, 0.4, 0.7, 1.0]
    base = (0.3, -0.4, 0.6, 0.5, 0.6, 0.6, 0.4, -0.3)
    line = [(*base[:at], x, *base[at + 1 :]) for x in steps]
    fox = Character("fox", "green")
    pictures = [drawn(Scene((replace(fox, identity=i),)), 256) for i in line]
    for (a, one), (b, two) in pairwise(zip(line, pictures, strict=True)):
        shown = visible(a), visible(b)
        assert all(-1 <= x <= 1 for x in shown[0])
        if trait != "patch":  # which grows without being another one
            assert np.array_equal(one, two) == (shown[0] == shown[1]), (a, b)
        elif shown[0] != shown[1]:
            assert not np.array_equal(one, two)
    assert visible(()) == visible((0.0,) * 8)


def test_an_identity_leaves_the_face_readable():
    for species, identity in product(v.SPECIES, IDENTITIES[:4]):
        pictures = [
            drawn(Scene((Character(species, "yellow", mood=m, identity=identity),)))
            for m in v.MOODS
        ]
        assert min(clear(a, b, 64) for a, b in combinations(pictures, 2)) >= 48, species


def test_identities_and_styles_do_not_move_a_scene_to_another_split():
    scene = sample_scene("train", 5)
    plain = tuple(replace(c, identity=()) for c in scene.characters)
    assert replace(scene, characters=plain).fingerprint() == scene.fingerprint()
    assert {replace(scene, style=s).fingerprint() for s in v.STYLES} == {scene.fingerprint()}


@pytest.mark.parametrize(
    ("identity", "named"),
    [((0.5,), "8 numbers"), ([0.0] * 8, "tuple of 8"), ((2.0,) + (0.0,) * 7, "holds 2.0"),
     (("red",) * 8, "holds 'red'"), ((float("nan"),) * 8, "holds nan")],
)  # fmt: skip
def test_what_is_no_identity_is_refused(identity, named):
    assert len(TRAITS) == 8
    with pytest.raises(ValueError, match=named) as error:
        replace(FOX, identity=identity)
    assert "\n" not in str(error.value)


# Cameras, actions and interactions


def test_a_close_view_is_closer():
    lone = Scene((replace(FOX, position="middle"),))
    assert clear(drawn(lone), drawn(replace(lone, camera="close"))) > 900


def test_what_somebody_does_is_seen_from_near_and_far_in_every_style():
    for style, camera, species in product(v.STYLES, v.CAMERAS, ("fox", "owl", "elephant")):
        pictures = [
            drawn(Scene((Character(species, "green", action=a),), style=style, camera=camera))
            for a in v.ACTIONS
        ]
        assert min(clear(a, b) for a, b in combinations(pictures, 2)) >= 20


SAD = replace(FOX, mood="sad")


@pytest.mark.parametrize("style", v.STYLES)
def test_interactions_are_told_apart(style):
    ball = (Thing("ball", "yellow", "left"),)
    acts = {
        "none": None,
        "give": Interaction("give", "left", "right", "ball"),
        "follow": Interaction("follow", "left", "right"),
        "led": Interaction("follow", "right", "left"),
        "hug": Interaction("hug", "left", "right"),
    }
    pictures = {
        k: drawn(Scene((SAD, CAT), ball, style=style, interaction=a)) for k, a in acts.items()
    }
    fox = replace(SAD, mood="angry")
    for name, act in (("calm", None), ("quarrel", Interaction("quarrel", "left", "right"))):
        pictures[name] = drawn(Scene((fox, CAT), ball, style=style, interaction=act))
    for (a, x), (b, y) in combinations(pictures.items(), 2):
        assert clear(x, y) >= 40, f"{a}, {b}"


def test_mutual_interactions_are_the_same_from_both_sides_to_a_split():
    for kind, there_and_back in (("hug", 1), ("follow", 2)):
        acts = (Interaction(kind, "left", "right"), Interaction(kind, "right", "left"))
        assert len({Scene((SAD, CAT), interaction=a).fingerprint() for a in acts}) == there_and_back


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Interaction("kiss", "left", "right"), "'kiss'.*give"),
        (lambda: Interaction("hug", "left", "left"), "two characters, got 'left' twice"),
        (lambda: Interaction("hug", "left", "top"), "'top'"),
        (lambda: Interaction("give", "left", "right"), "a give, and nothing else, has a thing"),
        (lambda: Interaction("hug", "left", "right", "ball"), "a give, and nothing else"),
        (lambda: Scene((FOX, CAT), camera="close"), "room for one character, got 2"),
        (lambda: Scene((FOX,), camera="aerial"), "'aerial'.*close"),
        (lambda: replace(FOX, action="sleeping"), "nobody sleeps angry"),
        (lambda: replace(FOX, mood="surprised", action="sleeping"), "nobody sleeps surprised"),
        (lambda: acting("hug"), "nobody hugs in anger"),
        (lambda: acting("quarrel", mood="happy"), "needs an angry one"),
        (lambda: acting("quarrel", mood="sad"), "needs an angry one"),
        (lambda: acting("follow", action="waving"), "both must be standing"),
        (lambda: acting("give", "ball"), "nobody gives in anger"),
        (lambda: acting("give", "ball", mood="sad"), "needs a ball at the giver"),
        (lambda: Scene((FOX,), interaction=Interaction("follow", "left", "right")), "nobody is at"),
        (lambda: Scene((FOX, CAT, OWL), interaction=Interaction("follow", "left", "right")),
         "somebody stands between"),
    ],
)  # fmt: skip
def test_contradictions_are_refused_in_one_line(make, named):
    with pytest.raises(ValueError, match=named) as error:
        make()
    assert "\n" not in str(error.value)


def acting(kind, thing=None, **changes):
    act = Interaction(kind, "left", "right", thing)
    return Scene((replace(FOX, **changes), CAT), interaction=act)


def test_saving_keeps_identities_cameras_and_interactions():
    kinds = set()
    for i in range(300):
        scene = sample_scene("train", i)
        assert Scene.from_json(scene.to_json()) == scene
        kinds |= {scene.camera, scene.interaction and scene.interaction.kind}
    assert kinds == {*v.CAMERAS, *v.INTERACTIONS, None}


def test_a_scene_saved_in_format_1_is_refused_by_name():
    old = json.dumps({**json.loads(Scene((FOX,)).to_json()), "format": 1})
    with pytest.raises(ValueError, match="format 2"):
        Scene.from_json(old)
