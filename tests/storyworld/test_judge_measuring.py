"""Measuring the judge: every number of its card, against a count by hand."""

from collections import Counter
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmcourse.storyworld import from_bytes, render_bytes, sample_scene
from mmcourse.storyworld.judge.data import draw_album
from mmcourse.storyworld.judge.measure import (
    ATTRIBUTES,
    measure_identity,
    measure_reading,
    measure_unreadable,
    measure_with_confusion,
    observe,
)
from mmcourse.storyworld.judge.network import Judge, Sight
from mmcourse.storyworld.judge.reading import FIELDS, answers, targets
from mmcourse.storyworld.world import vocabulary as v

MODULE = "mmcourse.storyworld.judge.measure"


def tiny(seed=0):
    torch.manual_seed(seed)
    return Judge(channels=(8, 8, 16, 16), glances=1, identity=8).eval()


class ByHeart(nn.Module):
    """Says what it was told to say of the pictures that it is shown, one after the other."""

    def __init__(self, logits, identities=None, summary=None):
        super().__init__()
        n = len(next(iter(logits.values())))
        self.logits, self.shown, self.sizes = logits, 0, []
        self.identities = torch.zeros(n, 3, 4) if identities is None else identities
        self.summary = torch.zeros(n, 4) if summary is None else summary
        self.register_buffer("temperature", torch.ones(len(FIELDS)))

    def forward(self, pixels):
        at = slice(self.shown, self.shown + len(pixels))
        self.shown += len(pixels)
        self.sizes += [pixels.shape[-1]] * len(pixels)
        logits = {f: x[at] for f, x in self.logits.items()}
        return Sight(logits, self.identities[at], torch.zeros(0), self.summary[at])


def logits_of(rows, sure=10.0):
    """(N, values) for each field, from (N, F) indices; -1 is answered too, as a model would."""
    rows = torch.tensor(rows)
    return {
        f: sure * F.one_hot(rows[:, i].clamp(min=0), len(x)).float()
        for i, (f, x) in enumerate(FIELDS.items())
    }


@pytest.fixture(scope="module")
def scenes():
    """More than a batch, with every number of characters and every interaction."""
    found = [sample_scene("test", i, style="flat") for i in range(140)]
    assert {len(s.characters) for s in found} == {1, 2, 3}
    assert {s.interaction.kind for s in found if s.interaction} == set(v.INTERACTIONS)
    return found


@pytest.fixture(autouse=True)
def undrawn(request, monkeypatch):
    """Blank pictures, since nobody looks at them here; not where the test says `drawn`."""
    if "drawn" not in request.fixturenames:
        monkeypatch.setattr(
            f"{MODULE}.render_bytes",
            lambda scenes, size: torch.zeros(len(scenes), size, size, 3, dtype=torch.uint8),
        )


@pytest.fixture
def drawn():
    """For tests that look at pictures."""


def attribute_of(field):
    """The card's name for what a field asks, said again."""
    who, _, what = field.partition(".")
    if who.startswith("thing"):
        return {"kind": "thing", "colour": "thing_colour"}[what]
    return what


def counted(scenes, said):
    """Right and asked for each metric, one question at a time; `said` has a dict for each scene."""
    right, asked = Counter(), Counter()
    for scene, guess in zip(scenes, said, strict=True):
        k, whole = len(scene.characters), True
        for field, answer in answers(scene).items():
            hit = guess[field] == answer
            whole &= hit
            for name in (attribute_of(field), f"{attribute_of(field)}_of_{k}"):
                asked[name] += 1
                right[name] += hit
        asked[f"whole_of_{k}"] += 1
        right[f"whole_of_{k}"] += whole
    return right, asked


def test_each_field_belongs_to_one_attribute():
    assert sorted(f for fields in ATTRIBUTES.values() for f in fields) == sorted(FIELDS)
    for name, fields in ATTRIBUTES.items():
        assert {attribute_of(f) for f in fields} == {name}
        assert len({FIELDS[f] for f in fields}) == 1, "one table for different answers"


def test_a_model_that_knows_the_truth_is_always_right(scenes):
    found, confusion = measure_reading(ByHeart(logits_of([*map(targets, scenes)])), scenes, 16, "x")
    error = found.pop("x_calibration_error")
    assert error["value"] < 0.001
    assert error["n"] == sum(len(answers(scene)) for scene in scenes)
    assert {m["value"] for m in found.values()} == {1.0}
    _, asked = counted(scenes, [answers(scene) for scene in scenes])
    assert {name: m["n"] for name, m in found.items()} == {f"x_{k}": n for k, n in asked.items()}
    assert confusion.keys() == {f"x_{name}" for name in ATTRIBUTES}
    for table in confusion.values():
        assert np.array_equal(table, np.diag(np.diag(table)))


def test_one_who_is_wrong_in_one_field_gets_exactly_what_it_missed(scenes):
    rows, field = [*map(targets, scenes)], "character:left.mood"
    place, moods = list(FIELDS).index(field), FIELDS[field]
    missed = [i for i, row in enumerate(rows) if row[place] == moods.index("sad")][:5]
    for i in missed:
        rows[i][place] = moods.index("happy")
    found, confusion = measure_reading(ByHeart(logits_of(rows)), scenes, 16, "x")
    asked = sum(len(scene.characters) for scene in scenes)
    assert found["x_mood"] == {"value": 1 - 5 / asked, "n": asked, "chance": 1 / 4}
    assert confusion["x_mood"][moods.index("sad")][moods.index("happy")] == 5, "truth by answer"
    for k in (1, 2, 3):
        scenes_of = [i for i, scene in enumerate(scenes) if len(scene.characters) == k]
        share = len({*missed} & {*scenes_of})
        assert found[f"x_mood_of_{k}"]["value"] == pytest.approx(1 - share / (k * len(scenes_of)))
        assert found[f"x_whole_of_{k}"]["value"] == pytest.approx(1 - share / len(scenes_of))
    others = {k: m for k, m in found.items() if "mood" not in k and "whole" not in k}
    assert {m["value"] for k, m in others.items() if k != "x_calibration_error"} == {1.0}


def test_any_answers_are_counted_as_one_would_by_hand(scenes):
    torch.manual_seed(0)
    logits = {f: torch.randn(len(scenes), len(x)) for f, x in FIELDS.items()}
    for f, rows in logits_of([*map(targets, scenes)], sure=2.0).items():
        logits[f] += rows
    found, confusion = measure_reading(ByHeart(logits), scenes, 16, "x")
    said = [
        {f: x[int(logits[f][row].argmax())] for f, x in FIELDS.items()}
        for row in range(len(scenes))
    ]
    right, asked = counted(scenes, said)
    error = found.pop("x_calibration_error")
    assert found.keys() == {f"x_{name}" for name in asked}
    for name, n in asked.items():
        assert found[f"x_{name}"]["n"] == n
        assert found[f"x_{name}"]["value"] == pytest.approx(right[name] / n)
    assert 0 < error["value"] < 1

    for name, fields in ATTRIBUTES.items():
        table, values = np.array(confusion[f"x_{name}"]), FIELDS[fields[0]]
        assert table.sum() == found[f"x_{name}"]["n"]
        assert found[f"x_{name}"]["chance"] == pytest.approx(1 / len(values))
        parts = [found.get(f"x_{name}_of_{k}", {"n": 0})["n"] for k in (1, 2, 3)]
        assert sum(parts) == table.sum()
        pairs = Counter(
            (values.index(answer), values.index(guess[f]))
            for scene, guess in zip(scenes, said, strict=True)
            for f, answer in answers(scene).items()
            if f in fields
        )
        assert {at: n for at, n in np.ndenumerate(table) if n} == pairs


def test_what_nobody_asked_is_not_in_the_card():
    alone = [s for s in (sample_scene("test", i) for i in range(30)) if len(s.characters) == 1]
    found, confusion = measure_reading(ByHeart(logits_of([*map(targets, alone)])), alone, 16, "x")
    assert not {"x_by", "x_to", "x_mood_of_2", "x_whole_of_3"} & (found.keys() | confusion.keys())
    assert found["x_mood"] == found["x_mood_of_1"]


def test_the_cards_error_is_of_the_calibrated_confidence(scenes):
    """Half right and always sure, until a temperature makes it say so."""
    rows = [*map(targets, scenes)]
    for row in rows[::2]:
        for i, (_, values) in enumerate(FIELDS.items()):
            row[i] = (row[i] + 1) % len(values) if row[i] >= 0 else -1
    model = ByHeart(logits_of(rows))
    before, _ = measure_reading(model, scenes, 16, "x")
    assert before["x_calibration_error"]["value"] == pytest.approx(0.5, abs=0.03)
    for i, values in enumerate(FIELDS.values()):  # softmax([10 / t, 0, ..., 0]) is one half
        model.temperature[i] = 10 / np.log(len(values) - 1 + (len(values) == 2) * 0.01)
    model.shown = 0
    after, _ = measure_reading(model, scenes, 16, "x")
    assert after["x_calibration_error"]["value"] < 0.05
    assert after["x_mood"] == before["x_mood"], "a temperature changes no answer"


def test_observing_is_what_the_model_says_in_batches_of_any_size(drawn):
    pictures = render_bytes([sample_scene("test", i) for i in range(5)], 32)
    model = tiny()
    with torch.no_grad():
        logits, identities, _, summary = model(from_bytes(pictures))
    for batch in (2, 5, 128):
        found = observe(model, pictures, batch)
        assert list(found[0]) == list(FIELDS)
        for f in FIELDS:
            torch.testing.assert_close(found[0][f], logits[f], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(found[1], identities, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(found[2], summary, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("told", [(True, True, True), (False, False, False), (True, False, True)])
def test_a_hero_is_told_from_its_double_by_its_identity_vector(told):
    """Only the vectors at the heroes' positions count; those of the others are all alike."""
    heroes = draw_album(3, 16, seed=1, splits=("test",), style="flat").heroes
    hero, near, nearer = torch.tensor([[1, 0, 0, 0], [0.5, 0.8, 0, 0], [0.6, 0.7, 0, 0]])
    vectors = torch.tensor([0.0, 0, 0, 1]).repeat(9, 3, 1)  # to whom everyone else is equal
    for i, right in enumerate(told):
        again, double = (nearer, near) if right else (near, nearer)
        for k, vector in enumerate((hero, again, double)):
            vectors[3 * i + k, heroes[i, k]] = vector
    blank = {f: torch.zeros(9, len(x)) for f, x in FIELDS.items()}
    found = measure_identity(ByHeart(blank, vectors), 3, 16)
    assert found == {"value": pytest.approx(sum(told) / 3), "n": 3, "chance": 0.5}


class Reader(nn.Module):
    """Finds a picture readable if it is one of these."""

    def __init__(self, known):
        super().__init__()
        self.known, self.seen = known, []

    def read(self, pixels):
        self.seen += [*pixels]
        return [
            SimpleNamespace(readable=any(torch.equal(x, k) for k in self.known)) for x in pixels
        ]


def tiles(picture):
    """The 64 squares of 8 by 8 pixels of a picture, as bytes."""
    return [
        picture[:, i : i + 8, j : j + 8].numpy().tobytes()
        for i in range(0, 64, 8)
        for j in range(0, 64, 8)
    ]


def test_what_is_strange_and_what_is_ordinary(drawn):
    ordinary = from_bytes(render_bytes([sample_scene("test", i) for i in range(3)], 64))
    reader = Reader(ordinary)
    found = measure_unreadable(reader, 3)
    names = ["unreadable_noise", "unreadable_blur", "unreadable_scrambled", "readable_ordinary"]
    assert found == {name: {"value": 1.0, "n": 3, "chance": None} for name in names}
    noise, blur, scrambled, same = torch.stack(reader.seen).unflatten(0, (4, 3))
    assert torch.equal(same, ordinary)
    assert noise.std() == pytest.approx(2 / 12**0.5, rel=0.05)
    assert noise.abs().max() <= 1
    for i in range(3):
        assert sorted(tiles(scrambled[i])) == sorted(tiles(ordinary[i]))
        assert sum(a == b for a, b in zip(tiles(scrambled[i]), tiles(ordinary[i]))) < 32
    steps = [x.diff(dim=-1).abs().mean() for x in (ordinary, blur)]
    assert steps[1] < steps[0] / 3
    torch.testing.assert_close(blur.mean((2, 3)), ordinary.mean((2, 3)), rtol=0, atol=0.1)

    easy = Reader(ordinary[:1])
    easy.read = lambda pixels: [SimpleNamespace(readable=True)] * len(pixels)
    found = measure_unreadable(easy, 3)
    assert [found[name]["value"] for name in names] == [0, 0, 0, 1]


@pytest.fixture
def parts(monkeypatch):
    """What the whole measurement asks of its parts: (scenes, size, prefix) and (n, size)."""
    calls = []

    def reading(model, scenes, size, prefix):
        calls.append((prefix, size, scenes))
        return {f"{prefix}_mood": len(scenes)}, {f"{prefix}_mood": [[len(scenes)]]}

    monkeypatch.setattr(f"{MODULE}.measure_reading", reading)
    monkeypatch.setattr(f"{MODULE}.measure_identity", lambda model, n, size: n)
    monkeypatch.setattr(f"{MODULE}.measure_unreadable", lambda model, n: {"unreadable_noise": n})
    few = cache(lambda split, i, style: sample_scene(split, i, style=style))
    monkeypatch.setattr(f"{MODULE}.sample_scene", lambda split, i, style: few(split, i % 3, style))
    return calls


@pytest.mark.parametrize(
    ("n", "flat", "styles", "strange"), [(None, 5000, 2000, 500), (7, 7, 7, 7)]
)
def test_the_card_says_how_many_scenes_each_number_is_of(parts, n, flat, styles, strange):
    model = tiny().train()
    metrics, confusion = measure_with_confusion(model, n)
    counts = {f"{style}_mood": flat if style == "flat" else styles for style in v.STYLES}
    assert confusion == {name: [[count]] for name, count in counts.items()}
    counts["compositional_mood"] = styles
    counts |= {"identity_64px": styles, "identity_128px": styles, "unreadable_noise": strange}
    assert metrics == counts
    assert not model.training


def test_every_style_is_measured_on_the_same_scenes(parts):
    measure_with_confusion(tiny(), 4)
    by_prefix = {prefix: scenes for prefix, _, scenes in parts}
    base = [sample_scene("test", i % 3, style="flat") for i in range(4)]
    assert by_prefix["flat"] == base
    for style in v.STYLES:
        assert {s.style for s in by_prefix[style]} == {style}
        assert [s.fingerprint() for s in by_prefix[style]] == [s.fingerprint() for s in base]
    unseen = [sample_scene("compositional", i % 3, style="flat") for i in range(4)]
    assert by_prefix["compositional"] == unseen
    assert {size for _, size, _ in parts} == {64}
