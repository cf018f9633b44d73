"""Long stories: what is asked of them, what still answers it, and how far attention slides."""

from collections import Counter

import pytest
import torch

from mmcourse.nn.attention import attend
from mmcourse.story.context import count_tokens
from mmcourse.story.horizons import reach


@pytest.fixture(scope="module")
def story():
    return reach.long_story(0, 30)


@pytest.fixture(scope="module")
def asked(story):
    return reach.questions(story)


def test_a_story_is_the_same_for_the_same_seed_and_goes_on(story):
    assert reach.long_story(0, 3).text() == story.text(3)
    assert len(story.path()) == 30


def test_questions_are_answered_by_the_scene_that_they_name(story, asked):
    assert {q.kind for q in asked} == {"now", "then"}
    for q in asked:
        assert reach.found_in([(q.scene, story.nodes[q.scene].text)], q) == "right"
        assert q.scene not in q.overtaken


def test_the_whole_story_answers_everything_and_nothing_answers_nothing(story, asked):
    for name in ("last_scenes", "window", "retrieved"):
        pieces = reach.WAYS[name](story, "", 100_000)
        assert {reach.found_in(pieces, q) for q in asked} == {"right"}
    assert {reach.found_in([], q) for q in asked} == {"nothing"}


@pytest.mark.parametrize("way", reach.WAYS)
@pytest.mark.parametrize("budget", [30, 300])
def test_no_way_spends_more_than_its_budget(story, asked, way, budget):
    for q in asked[:4]:
        pieces = reach.WAYS[way](story, q.text, budget)
        assert sum(count_tokens(text) for _, text in pieces) <= budget


def test_the_last_scenes_are_the_last_without_a_gap(story):
    kept = [scene for scene, _ in reach.last_scenes(story, "", 200)]
    assert kept == list(range(30, 30 - len(kept), -1))
    assert 1 < len(kept) < 30


def test_summaries_know_now_and_scenes_know_then(story, asked):
    def right(way, kind):
        said = [reach.found_in(reach.WAYS[way](story, q.text, 200), q) for q in asked
                if q.kind == kind]  # fmt: skip
        return said.count("right") / len(said)

    assert right("summary", "now") == 1 > right("last_scenes", "now")
    assert right("retrieved", "then") > right("summary", "then")


def test_what_was_true_before_is_told_apart_from_nothing(story, asked):
    q = next(q for q in asked if q.overtaken)
    old = q.overtaken[0]
    assert reach.found_in([(old, story.nodes[old].text)], q) == "overtaken"
    assert reach.found_in([(0, f"{q.words[0]} {q.answer} {q.words[-1]}")], q) == "right"
    then = next(q for q in asked if q.kind == "then")
    assert reach.found_in([(0, " ".join(then.words))], then) == "nothing"
    assert Counter(q.scene for q in asked)


# -- sliding attention


def test_a_mask_without_end_is_causal_attention():
    assert torch.equal(reach.sliding_mask(7, 7), torch.ones(7, 7).tril().bool())
    assert reach.sliding_mask(7, 1).equal(torch.eye(7).bool())
    assert reach.sliding_mask(7, 2, 1)[5].tolist() == [True, False, False, False, True, True, False]


@pytest.mark.parametrize(("layers", "window"), [(1, 4), (2, 4), (3, 5)])
def test_the_reach_is_that_of_real_attention(layers, window):
    """Whose change the last token notices, after so many layers of softmax attention."""
    mask = reach.sliding_mask(30, window)
    dice = torch.Generator().manual_seed(0)
    x = torch.randn(1, 1, 30, 8, generator=dice).double().requires_grad_()
    y = x
    for _ in range(layers):
        y = y + attend(y, y, y, mask)
    (gradient,) = torch.autograd.grad(y[0, 0, -1].sum(), x)
    noticed = gradient[0, 0].abs().sum(-1) > 0
    assert 29 - int(noticed.long().argmax()) == reach.farthest(mask, layers)
    assert reach.farthest(mask, layers) == layers * (window - 1)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="at least 1 scene"):
        reach.long_story(0, 0)
    with pytest.raises(ValueError, match="window >= 1"):
        reach.sliding_mask(3, 0)
