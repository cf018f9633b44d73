"""Each measure by hand, and what it must notice."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from mmcourse.story.context import build
from mmcourse.story.facts import Fact
from mmcourse.story.measure import vistory
from mmcourse.story.measure.characters import (
    character_f1,
    exact_frames,
    f1_tally,
    honoured,
    moods,
    retold,
)
from mmcourse.story.measure.identities import identity_margin, margins, pairs
from mmcourse.story.measure.intervals import interval
from mmcourse.story.measure.likeness import duplicates, style_variance
from mmcourse.story.measure.pages import Seen, Tally, looks
from mmcourse.story.measure.remembering import newest_first, remembered, truths
from mmcourse.story.measure.telling import contradicted, read_back
from mmcourse.story.state import dated
from mmcourse.story.story import Node, Story
from mmcourse.storyworld import Character, Scene, render
from mmcourse.storyworld.world.vocabulary import SCENE_ATTRIBUTES

FERN = Character("fox", "orange", name="Fern", position="left", identity=(0.9,) * 8)
GUS = Character("rabbit", "red", name="Gus", position="right", identity=(-0.9,) * 8)


def test_character_f1_is_that_of_precision_and_recall_over_all_frames():
    dice = np.random.default_rng(0)
    for _ in range(50):
        asked, seen = (
            [set(dice.choice(6, size=dice.integers(1, 4), replace=False)) for _ in range(5)]
            for _ in range(2)
        )
        hits = sum(len(a & b) for a, b in zip(asked, seen, strict=True))
        precision, recall = hits / sum(map(len, seen)), hits / sum(map(len, asked))
        expected = 2 * precision * recall / (precision + recall) if hits else 0.0
        assert character_f1(asked, seen) == pytest.approx(expected)
        halves = f1_tally(asked[:2], seen[:2]), f1_tally(asked[2:], seen[2:])
        assert np.add(*halves) == pytest.approx(f1_tally(asked, seen))


def test_frames_are_exact_only_with_everybody_and_nobody_else():
    frames = [{"a", "b"}, {"a"}, {"a"}, set()]
    assert exact_frames(frames, [{"b", "a"}, {"a", "b"}, set(), set()]) == (2, 4)
    with pytest.raises(ValueError, match="4 frames is seen once, got 3"):
        exact_frames(frames, frames[:3])
    assert character_f1([set()], [set()]) == 1


def seen_as(scene, style=(1.0, 0.0)):
    """A reader who sees exactly what a scene holds; identities are vectors of their own."""
    people = {
        c.position: {k: getattr(c, k) for k in ("species", "colour", "mood", "action", "accessory")}
        for c in scene.characters
    }
    identities = {c.position: unit(c.identity) for c in scene.characters}
    setting = {k: getattr(scene, k) for k in SCENE_ATTRIBUTES}
    return Seen(people, setting, identities, np.array(style))


def unit(vector):
    return np.array(vector) / np.linalg.norm(vector)


def three_pages():
    """Fern alone; Fern and Gus, and she is sad; Gus alone, at night."""
    return [
        Scene((FERN,), place="beach"),
        Scene((replace(FERN, mood="sad", position="right"), replace(GUS, position="left"))),
        Scene((GUS,), time="night"),
    ]


def test_what_the_text_changed_has_to_change_and_the_rest_to_stay():
    scenes = three_pages()
    changed = [v for v in retold(scenes) if v.changed]
    assert [(v.page, v.who, v.attribute) for v in changed] == [
        (1, "", "place"), (1, "Fern", "mood"), (2, "", "time"),
    ]  # fmt: skip
    right = [seen_as(s) for s in scenes]
    assert honoured(scenes, right) == (3, 3)
    assert honoured(scenes, right, changed=False) == (9, 9)
    pasted = [seen_as(s) for s in (scenes[0], scenes[0], scenes[1])]
    assert honoured(scenes, pasted).hits == 0
    hidden = [seen_as(s) for s in (scenes[0], scenes[2], scenes[2])]  # nobody shows Fern's mood
    assert honoured(scenes, hidden) == (2, 3)
    assert moods(scenes, right) == (4, 4)
    assert moods(scenes, pasted) == (2, 4)  # Fern is happy still, and Gus not there


def test_somebody_is_found_where_they_should_be_first():
    twins = seen_as(Scene((FERN, replace(GUS, position="middle"))))
    twins.people["right"] = twins.people["left"]
    assert twins.find(FERN) == "left"
    assert twins.find(replace(FERN, position="right")) == "right"
    assert twins.find(replace(FERN, colour="blue")) == ""
    assert twins.looks() == looks(Scene((FERN, replace(GUS, position="middle"))))


def test_identity_margin_is_zero_for_a_double_and_large_for_the_hero():
    dice = np.random.default_rng(0)
    first = unit(dice.normal(size=32))
    strangers = dice.normal(size=(4000, 32))
    hero = np.vstack([first, np.tile(5 * first, (4000, 1))])
    assert identity_margin(hero, strangers) == pytest.approx(1, abs=0.02)
    off = np.vstack([first, dice.normal(size=(4000, 32))])
    assert identity_margin(off, strangers) == pytest.approx(0, abs=0.02)
    assert identity_margin([[1, 0], [0, 2]], [[3, 0]]) == -1
    for bad in ([[1, 0]], [[1, 0], [0, 0]], [[1, 0], [0, np.nan]]):
        with pytest.raises(ValueError, match=r"N doubles|no direction"):
            identity_margin(bad, [[1, 0]])


def test_margins_of_a_story_count_those_who_are_found():
    scenes = three_pages()
    right = [seen_as(s) for s in scenes]
    assert [tuple(p) for p in pairs(scenes)] == [("Fern", 0, 1), ("Gus", 1, 2)]
    others = [unit(GUS.identity), unit(FERN.identity)]
    assert margins(scenes, right, others) == pytest.approx((4, 2))
    assert margins(scenes, right, [None, others[1]]) == pytest.approx((2, 1))
    gone = [right[0], right[0], right[2]]
    assert margins(scenes, gone, others) == pytest.approx((2, 1))  # Fern pasted, Gus not there


def test_duplicates_are_copies_and_mirrored_copies_of_what_should_look_otherwise():
    true = [render(s, 64) for s in three_pages()]
    assert duplicates(true, true) == (0, 2)
    assert duplicates(true, [true[0], true[0], true[2]]) == (1, 2)
    turned = true[0].transpose(0)
    assert duplicates(true, [true[0], turned, turned]) == (2, 2)
    smile = render(three_pages()[0], 64)
    frown = render(Scene((replace(FERN, mood="sad"),), place="beach"), 64)
    assert duplicates([smile, frown], [smile, frown]) == (0, 1)
    assert duplicates([smile, turned], [smile, turned]) == (0, 1)


def test_style_variance():
    assert style_variance([[0.9, 0.1]] * 4) == 0
    assert style_variance(np.eye(4)) == pytest.approx(3 / 4)
    assert style_variance([[1, 0], [1, 0], [1, 0], [0, 1]]) == pytest.approx(3 / 8)


def test_formulas_of_vistorybench():
    assert vistory.occm(2, 2) == 100
    assert vistory.occm(2, 0) == pytest.approx(100 * np.exp(-1))
    assert vistory.occm(1, 3) == pytest.approx(100 * np.exp(-2), rel=1e-5)
    with pytest.raises(ValueError, match="at least one"):
        vistory.occm(0, 1)
    a, b = unit([1, 0, 0]), unit([1, 1, 0])
    assert vistory.cids_cross([a, b], a) == pytest.approx((1 + 0.5**0.5) / 2)
    assert vistory.cids_cross([], a) == 0
    assert vistory.cids_self([a, a, b]) == pytest.approx((1 + 2 * 0.5**0.5) / 3)
    assert [vistory.cids_self(x) for x in ([], [a])] == [0, 1]
    assert vistory.copy_paste([b], a, [0, 1, 0]) == pytest.approx(0.5)
    assert vistory.copy_paste([a, a], a, b) == pytest.approx(1)
    assert vistory.copy_paste([b], a, b) == pytest.approx(0)
    slightly = a + 0.01 * np.array([-1, 0, 0])
    assert vistory.copy_paste([a], a, slightly) == pytest.approx(1 / (1 + np.exp(-1)))
    with pytest.raises(ValueError, match="no page"):
        vistory.copy_paste([], a, b)
    assert vistory.csd_self([a, a, a]) == pytest.approx(1)
    assert vistory.csd_self([a, 2 * b, [0, 3, 0]]) == pytest.approx(2 * 0.5**0.5 / 3)
    with pytest.raises(ValueError, match="two pages"):
        vistory.csd_self([a])


def test_intervals_are_over_groups_of_stories():
    dice = np.random.default_rng(0)
    scores = [[Tally(float(dice.random() < 0.7), 1.0)] for _ in range(200)]
    once = interval(scores)
    assert once["low"] < once["value"] < once["high"]
    assert once["high"] - once["low"] == pytest.approx(2 * 1.96 * (0.21 / 200) ** 0.5, rel=0.15)
    thrice = interval([group * 3 for group in scores])  # the same three times is no more to go on
    assert thrice["n"] == 3 * once["n"]
    assert {k: thrice[k] for k in ("value", "low", "high")} == pytest.approx(
        {k: once[k] for k in ("value", "low", "high")}
    )
    assert interval([[Tally(1, 2), Tally(5, 8)], [Tally(3, 10)]])["value"] == 9 / 20
    nothing = interval([[Tally(0, 0)]])
    assert nothing["value"] is None
    assert nothing["n"] == 0
    rare = interval([[Tally(0, 0)]] * 30 + [[Tally(1, 2)]])  # most draws hold nothing to divide by
    assert (rare["value"], rare["low"], rare["high"]) == (0.5, 0.5, 0.5)
    with pytest.raises(ValueError, match="at least one group"):
        interval([])


def a_story():
    """Fern promises; then three scenes of walking."""
    told = {
        1: [("Fern", "species", "fox"), ("Fern", "colour", "orange"), ("Fern", "at", "beach"),
            ("Fern", "promised", "to come back"), ("Fern", "has", "red ball")],
        2: [("Gus", "species", "frog"), ("Fern", "mood", "sad")],
        3: [("Fern", "lost", "red ball"), ("Gus", "has", "red ball"), ("Fern", "at", "forest")],
    }  # fmt: skip
    nodes = {
        i: Node(i, i - 1 or None, ("Somebody walked on and on. " * 6,), facts=dated(
            [Fact(*f) for f in facts], i))
        for i, facts in told.items()
    }  # fmt: skip
    return Story("a", "a", nodes=nodes, current=3)


def test_everything_true_is_remembered_without_a_budget_and_ever_less_with_one():
    story = a_story()
    facts = truths(story.state())
    assert {f.triple for f in facts} == {
        ("Fern", "species", "fox"), ("Fern", "colour", "orange"), ("Fern", "mood", "sad"),
        ("Gus", "species", "frog"), ("Gus", "has", "red ball"), ("Fern", "promised", "to come back")
    }  # fmt: skip
    assert remembered(build(story, budget=10_000), facts) == (6, 6)
    shares = [remembered(build(story, budget=b), facts).hits for b in (5, 20, 40, 80, 160)]
    assert shares == sorted(shares)
    assert shares[0] < shares[-1]


def test_a_window_knows_what_its_scenes_told_and_forgets_the_promise():
    story = a_story()
    facts = truths(story.state())
    last = newest_first(story, budget=50)
    assert [item.scene for item in last.kept] == [3]
    assert remembered(last, facts) == (1, 6)  # who has the ball
    assert remembered(newest_first(story, budget=10_000), facts) == (6, 6)
    promise = tuple(f for f in facts if f.attribute == "promised")
    assert remembered(last, promise) == (0, 1)
    assert remembered(build(story, budget=50), promise) == (1, 1)


def test_a_word_in_another_scene_is_no_memory():
    story = a_story()
    known = Fact("Gus", "mood", "walked", 1)  # its words stand in every scene
    assert remembered(newest_first(story, budget=50), (known,)) == (0, 1)


def test_contradictions_of_a_story_are_each_counted_once():
    fox, owl = Fact("Pip", "species", "fox"), Fact("Pip", "species", "owl")
    assert contradicted([[fox], [owl], [fox, owl]]) == [owl, owl]
    ball = [Fact("Pip", "has", "ball"), Fact("Pip", "lost", "ball")]
    assert contradicted([ball, ball[1:]]) == ball[1:]
    assert contradicted([[Fact("character 1", "species", "fox")], [Fact("character 1", "species",
        "owl")]]) == []  # fmt: skip


def test_a_text_is_read_in_its_order_with_what_was_read_before():
    asked = []

    def extract(request):
        asked.append(request.state.facts if request.state else ())
        return SimpleNamespace(facts=(Fact("Pip", "mood", request.text),))

    found = read_back(SimpleNamespace(extract=extract), ["happy", "sad"])
    assert found == [(Fact("Pip", "mood", "happy", 1),), (Fact("Pip", "mood", "sad", 2),)]
    assert asked == [(), found[0]]
