"""Arcs: closed forms, reading against the facts, and plans that come nearer than chance."""

import pytest

from mmcourse.story.horizons import arcs


@pytest.fixture(scope="module")
def stories():
    return [arcs.any_story(seed, 8) for seed in range(3)]


def test_shapes_begin_and_end_as_they_are_called():
    ends = {name: (arcs.shape(name, 13)[0], arcs.shape(name, 13)[-1]) for name in arcs.SHAPES}
    assert ends["rise"] == (-1, 1)
    assert ends["fall"] == (1, -1)
    for name, (first, last) in ends.items():
        assert first == pytest.approx(-1 if name.startswith("rise") else 1)
        assert last == pytest.approx(1 if name.endswith("rise") else -1)
    with pytest.raises(ValueError, match="no shape 'zigzag'"):
        arcs.shape("zigzag", 5)
    with pytest.raises(ValueError, match="at least 2 scenes"):
        arcs.shape("rise", 1)


def test_smoothing_keeps_lines_inside_and_lengths():
    assert arcs.smooth([0, 1, 2, 3]) == [0.5, 1, 2, 2.5]
    assert arcs.smooth([5.0], 3) == [5.0]
    assert arcs.smooth([1, 0, 1], 1) == [1, 0, 1]


def test_distance_and_likeness():
    rise = arcs.shape("rise", 9)
    assert arcs.off(rise, rise) == 0
    assert arcs.alike(rise, rise) == pytest.approx(1)
    assert arcs.alike(rise, rise[::-1]) == pytest.approx(-1)
    assert arcs.alike(rise, [1.0] * 9) == 0
    assert arcs.off([1.0] * 9, [-1.0] * 9) == 2
    with pytest.raises(ValueError, match="cannot be compared"):
        arcs.off(rise, rise[1:])
    for way in (arcs.off, arcs.alike, arcs.agree):
        with pytest.raises(ValueError, match="of 0 and 0 scenes"):
            way([], [])


def test_the_pens_own_text_is_read_as_it_was_meant(stories):
    for story in stories:
        assert arcs.agree(arcs.read(story), arcs.told(story)) >= 0.75
    assert arcs.agree([1, -1, 0], [1, 1, 0]) == pytest.approx(2 / 3)


def test_counting_words_hears_everybody(stories):
    arc = arcs.counted(stories[0])
    assert len(arc) == 8
    assert all(-1 <= x <= 1 for x in arc)
    assert any(arc)


def test_tension_counts_what_is_open(stories):
    want, got = ("Fern", "wants", "ball"), ("Fern", "got", "ball")
    assert arcs.open_wishes([[want], [want], [], [got], [got]]) == [1, 1, 1, 0, 0]
    for story in stories:
        assert arcs.tension(story)[-1] == len(story.state().goals())


@pytest.mark.parametrize("name", ["fall", "rise_fall"])
def test_a_plan_comes_nearer_than_what_comes_by_itself(name, stories):
    target = arcs.shape(name, 8)
    plan, written = arcs.planned(target, width=3)
    assert len(plan.path()) == 8
    assert written > 8
    assert arcs.off(arcs.told(plan), target) < min(arcs.off(arcs.told(s), target) for s in stories)
    assert arcs.off(arcs.told(plan), target) < 0.2
    again, _ = arcs.planned(target, width=3)
    assert again.text() == plan.text()


def test_the_best_of_more_is_never_worse():
    target = arcs.shape("fall", 5)
    few, many = (arcs.off(arcs.told(arcs.best_of(target, 0, n)), target) for n in (1, 6))
    assert many <= few
    with pytest.raises(ValueError, match="width"):
        arcs.planned(target, width=0)
