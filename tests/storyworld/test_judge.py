"""The judge: what it reads from a picture, how sure it is, and what it refuses to read."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmcourse.storyworld import Character, Scene, render, sample_scene, to_pixels
from mmcourse.storyworld.judge.network import (
    COLUMNS,
    FIRST_GLANCES,
    FLOOR,
    SIDE,
    SPREAD,
    Judge,
    Sight,
    first_gaze,
    strangeness,
)
from mmcourse.storyworld.judge.reading import FIELDS, answers, targets
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.facts import facts


def tiny(seed=0, **arguments):
    torch.manual_seed(seed)
    sizes = {"channels": (8, 8, 16, 16), "glances": 1, "identity": 8}
    return Judge(**{**sizes, **arguments}).eval()


@pytest.fixture(scope="module")
def scenes():
    """Scenes with every number of characters, things and interactions among them."""
    return [sample_scene("test", i) for i in range(60)]


def logits_of(scenes, sure=8.0):
    """What a judge would say that knows the scenes; (N, values) for each field."""
    truth = torch.tensor([targets(scene) for scene in scenes])
    return {
        f: sure * F.one_hot(truth[:, i].clamp(min=0), len(x)).float()
        for i, (f, x) in enumerate(FIELDS.items())
    }


def who_says(logits, identities=None, summary=None, model=None):
    """A judge that answers this, whatever it is shown."""
    model = model or tiny()
    n = len(next(iter(logits.values())))
    if identities is None:
        identities = F.normalize(torch.randn(n, 3, 8), dim=-1)
    summary = torch.zeros(n, 16) if summary is None else summary
    sight = Sight(logits, identities, torch.zeros(n, 3, 8), summary)
    model.forward = lambda pixels: sight
    return model


def pictures(n, size=16):
    return torch.zeros(n, 3, size, size)


@pytest.mark.parametrize("size", [64, 128, 96])
def test_every_question_is_answered_at_every_size(size):
    model = tiny(glances=2)
    logits, identities, traits, summary = model(torch.rand(2, 3, size, size) * 2 - 1)
    assert list(logits) == list(FIELDS)
    assert {f: tuple(x.shape) for f, x in logits.items()} == {
        f: (2, len(values)) for f, values in FIELDS.items()
    }
    assert identities.shape == (2, 3, 8)
    torch.testing.assert_close(identities.norm(dim=-1), torch.ones(2, 3))
    assert traits.shape == (2, 3, 8)
    assert summary.shape == (2, 16)


def test_a_picture_is_brought_to_one_side_before_it_is_read():
    seen = []
    model = tiny()
    model.body.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    for size in (64, 128, 256):
        model(torch.rand(1, 3, size, size))
    assert [tuple(x.shape) for x in seen] == [(1, 3, SIDE, SIDE)] * 3
    stripes = torch.tensor([1.0, -1.0, -1.0, 1.0]).repeat(SIDE).expand(1, 3, 4 * SIDE, 4 * SIDE)
    model(stripes)
    assert seen[-1].abs().max() < 0.2, "reduced without averaging"


def test_pictures_of_a_batch_do_not_mix():
    model = tiny()
    pixels = torch.rand(3, 3, 64, 64) * 2 - 1
    together = model(pixels)
    for i in range(3):
        alone = model(pixels[i : i + 1])
        torch.testing.assert_close(alone[1][0], together[1][i], rtol=1e-4, atol=1e-5)
        for f in FIELDS:
            torch.testing.assert_close(alone[0][f][0], together[0][f][i], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("slot", range(7))
def test_each_slot_answers_for_one_position(slot):
    """Three characters, three things, then the scene: what one looks at is nothing to the rest."""
    model = tiny(glances=2)
    pixels = torch.rand(1, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        before = model(pixels)
        model.where[2 * slot : 2 * slot + 2] += 5 * torch.randn(2, model.where.shape[1])
        after = model(pixels)
    moved = {f for f in FIELDS if not torch.equal(before.logits[f], after.logits[f])}
    who = [*(f"character:{p}" for p in v.POSITIONS), *(f"thing:{p}" for p in v.POSITIONS), "scene"]
    assert moved == {f for f in FIELDS if f.startswith(f"{who[slot]}.")}
    assert torch.equal(before.identities, after.identities)


@pytest.mark.parametrize("slot", range(3))
def test_who_somebody_is_has_glances_of_its_own(slot):
    model = tiny(glances=2)
    pixels = torch.rand(1, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        before = model(pixels)
        gaze = model.where_closer[2 * slot : 2 * slot + 2]
        gaze += 5 * torch.randn_like(gaze)
        after = model(pixels)
    assert all(torch.equal(before.logits[f], after.logits[f]) for f in FIELDS)
    for a, b in ((before.identities, after.identities), (before.traits, after.traits)):
        assert (a != b).any(-1)[0].tolist() == [i == slot for i in range(3)]


@pytest.mark.parametrize("glances", [1, 4, 8])
def test_a_slot_looks_first_where_it_was_told_to(glances):
    side = SIDE // 8
    places = [
        (x + FIRST_GLANCES[kind][g % 6][0], FIRST_GLANCES[kind][g % 6][1])
        for kind, columns in (("people", COLUMNS["people"]), ("things", COLUMNS["things"]))
        for x in columns
        for g in range(glances)
    ]
    places += [FIRST_GLANCES["scene"][g % 6] for g in range(glances)]
    found = first_gaze(glances)
    assert found.shape == (7 * glances, side * side)
    for row, (x, y) in zip(found.tolist(), places, strict=True):
        for cell, logit in enumerate(row):
            down, across = (cell // side + 0.5) / side - y, (cell % side + 0.5) / side - x
            expected = max(FLOOR, -(down**2 + across**2) / (2 * SPREAD**2))
            assert logit == pytest.approx(expected, abs=1e-4)


def test_an_untrained_judge_looks_for_who_is_left_on_the_left():
    model = tiny(glances=6)
    assert torch.equal(model.where, first_gaze(6))
    side = SIDE // 8
    attention = model.where.softmax(-1).view(7, 6, side, side).mean(1)
    across = (attention.sum(1) * torch.arange(side)).sum(-1) / (side - 1)
    people, things = across[:3], across[3:6]
    assert people[0] < people[1] < people[2]
    assert things[0] < people[0], "a thing on the left lies beyond the character there"
    assert things[2] > people[2]


def test_how_unusual_a_picture_is_is_its_mahalanobis_distance():
    model, numbers = tiny(), np.random.default_rng(0)
    centre, root = numbers.normal(size=16), numbers.normal(size=(16, 16))
    covariance = root @ root.T + 0.1 * np.eye(16)
    model.take_as_usual(torch.from_numpy(centre), torch.from_numpy(covariance))
    rows = numbers.normal(size=(20, 16))
    expected = [(row - centre) @ np.linalg.solve(covariance, row - centre) for row in rows]
    found = model.unusual(torch.from_numpy(rows).float())
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-3)
    assert model.unusual(model.centre[None]).item() == 0


def test_right_answers_are_the_facts_of_the_scene(scenes):
    identities = F.normalize(torch.randn(len(scenes), 3, 8), dim=-1)
    found = who_says(logits_of(scenes), identities).read(pictures(len(scenes)))
    for row, (scene, reading) in enumerate(zip(scenes, found, strict=True)):
        assert reading.facts == facts(scene)
        assert list(reading.confidence) == [f for f in FIELDS if f in answers(scene)]
        assert set(reading.identities) == {c.position for c in scene.characters}
        for position, vector in reading.identities.items():
            assert torch.equal(vector, identities[row, v.POSITIONS.index(position)])
        assert reading.readable


def test_how_sure_it_is_is_the_probability_of_its_answer_at_the_fields_temperature(scenes):
    logits = {f: 3 * torch.randn(len(scenes), len(x)) for f, x in FIELDS.items()}
    model = who_says(logits)
    model.temperature.copy_(0.5 + torch.rand(len(FIELDS)))
    found = model.read(pictures(len(scenes)))
    temperature = dict(zip(FIELDS, model.temperature.tolist(), strict=True))
    for row, reading in enumerate(found):
        assert {"character:left.species", "thing:left.kind"} <= reading.confidence.keys()
        for f, sure in reading.confidence.items():
            scores = np.exp(logits[f][row].double().numpy() / temperature[f])
            assert sure == pytest.approx(scores.max() / scores.sum(), rel=1e-4)


def test_what_lies_too_far_from_the_usual_is_unreadable_but_read_all_the_same(scenes):
    near, far = torch.eye(16)[:1] * 2, torch.eye(16)[:1] * 3
    model = who_says(logits_of(scenes[:2]), summary=torch.cat([near, far]))
    model.take_as_usual(torch.zeros(16), torch.eye(16))
    assert [r.readable for r in model.read(pictures(2))] == [True, True], "nothing is too far"
    sure = model.read(pictures(2))[0].confidence.values()
    model.strangest.copy_(strangeness(torch.tensor(4.001), sum(sure) / len(sure)))
    readings = model.read(pictures(2))
    assert [r.readable for r in readings] == [True, False]
    assert [r.facts for r in readings] == [facts(scene) for scene in scenes[:2]]


def test_what_leaves_it_unsure_is_unreadable(scenes):
    sure = logits_of(scenes[:2])
    logits = {f: rows * torch.tensor([[1.0], [0.25]]) for f, rows in sure.items()}
    model = who_says(logits, summary=torch.eye(16)[:1].repeat(2, 1))
    model.take_as_usual(torch.zeros(16), torch.eye(16))
    means = [sum(r.confidence.values()) / len(r.confidence) for r in model.read(pictures(2))]
    assert means[0] > means[1]
    for least, readable in (
        (means[1] - 0.01, [True, True]),
        (sum(means) / 2, [True, False]),
        ((means[0] + 1) / 2, [False, False]),
    ):
        model.strangest.copy_(strangeness(torch.tensor(1.0), least))
        assert [r.readable for r in model.read(pictures(2))] == readable


def test_strangeness_weighs_distance_and_doubt_by_their_factors():
    once = strangeness(torch.tensor(5.0), 0.9)
    assert strangeness(torch.tensor(10.0), 0.9) - once == pytest.approx(np.log(2), rel=1e-5)
    twice = strangeness(torch.tensor(5.0), 1 - 2 * 0.1 - 1e-4)
    assert twice - once == pytest.approx(0.05 * np.log(2), rel=1e-2)
    assert strangeness(torch.tensor(5.0), 1.0).isfinite()


@pytest.mark.parametrize(
    ("pixels", "named"),
    [
        (torch.zeros(3, 64, 64), r"\(B, 3, S, S\).*\(3, 64, 64\)"),
        (torch.zeros(1, 1, 64, 64), r"\(1, 1, 64, 64\)"),
        (torch.zeros(1, 64, 64, 3), r"\(1, 64, 64, 3\)"),
        (torch.zeros(1, 3, 64, 32), r"\(1, 3, 64, 32\)"),
        (torch.full((1, 3, 64, 64), float("nan")), "finite.*NaN"),
        (torch.full((1, 3, 64, 64), -float("inf")), "finite.*infinity"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_line(pixels, named):
    with pytest.raises(ValueError, match=named) as error:
        tiny().read(pixels)
    assert "\n" not in str(error.value)


def test_one_bad_pixel_is_enough():
    pixels = torch.zeros(2, 3, 64, 64)
    pixels[1, 2, 63, 63] = float("nan")
    with pytest.raises(ValueError, match="finite"):
        tiny().read(pixels)


def same_readings(found, expected):
    for a, b in zip(found, expected, strict=True):
        assert (a.facts, a.readable) == (b.facts, b.readable)
        assert a.confidence == pytest.approx(b.confidence, abs=1e-5)
        assert a.identities.keys() == b.identities.keys()
        for position in a.identities:
            torch.testing.assert_close(a.identities[position], b.identities[position])


def test_pictures_are_read_as_their_pixels_are(scenes):
    model = tiny()
    drawn = [render(scene, 32) for scene in scenes[:5]]
    expected = model.read(to_pixels(drawn))
    assert len({tuple(r.confidence.values()) for r in expected}) == 5
    for batch in (2, 64):
        same_readings(model.read_pictures(drawn, batch), expected)
    assert model.read_pictures([]) == []
    with pytest.raises(ValueError, match="RGB"):
        model.read_pictures([drawn[0].convert("L")])


def test_a_saved_judge_reads_alike(scenes, tmp_path):
    model = tiny(glances=2)
    model.temperature.copy_(0.5 + torch.rand(len(FIELDS)))
    model.take_as_usual(torch.randn(16), torch.eye(16) + 0.1)
    model.strangest.fill_(1 / 3)
    pixels = to_pixels([render(scene, 64) for scene in scenes[:4]])
    model.save_pretrained(tmp_path)
    same_readings(Judge.from_pretrained(tmp_path).read(pixels), model.read(pixels))

    model.save_pretrained(tmp_path, dtype=torch.float16)
    half = Judge.from_pretrained(tmp_path)
    for name, stated in model.named_buffers():
        assert torch.equal(half.get_buffer(name), stated), f"{name} lost digits"
    for (a, b), f in zip(
        zip(half(pixels)[0].values(), model(pixels)[0].values(), strict=True), FIELDS, strict=True
    ):
        torch.testing.assert_close(a, b, rtol=0, atol=0.02, msg=f)


def test_an_untrained_judge_calls_everything_readable():
    """It has seen nothing ordinary yet, so nothing is strange to it."""
    model = tiny()
    (reading,) = model.read(to_pixels([render(Scene((Character("fox", "red"),)), 64)]))
    assert reading.readable
