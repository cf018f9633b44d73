"""Music by rule: what a place and a mood sound like, and a listener that tells them apart."""

import pytest
import torch

from mmcourse.story.horizons import music
from mmcourse.storyworld.world.vocabulary import MOODS, PLACES


def dice(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def some():
    return music.pieces(112, seed=5)


def test_a_piece_is_a_function_of_mood_place_and_seed():
    one = music.piece("sad", "beach", 3)
    assert one.shape == (1, music.LENGTH)
    assert torch.equal(one, music.piece("sad", "beach", 3))
    others = [("sad", "beach", 4), ("happy", "beach", 3), ("sad", "pond", 3)]
    assert not any(torch.equal(one, music.piece(*kind)) for kind in others)
    assert one.abs().max() == pytest.approx(0.8)


@pytest.mark.parametrize("place", PLACES)
def test_every_place_is_equally_loud(place):
    sound = music.ambience(place, dice())
    assert sound.shape == (music.LENGTH,)
    assert sound.square().mean().sqrt() == pytest.approx(1, abs=1e-3)


def pitches(mood, seed):
    """The strongest frequency of each half of a tune."""
    halves = music.tune(music.MANNERS[mood], dice(seed)).chunk(2)
    return [float(torch.fft.rfft(h).abs().argmax()) * music.RATE / len(h) for h in halves]


def test_happy_tunes_rise_and_sad_ones_fall_and_are_lower():
    rises = [b - a for a, b in (pitches("happy", i) for i in range(8))]
    falls = [b - a for a, b in (pitches("sad", i) for i in range(8))]
    assert sum(rises) > 0 > sum(falls)
    assert min(pitches("happy", 0)) > max(pitches("angry", 0))


def test_a_listener_tells_them_apart_and_shuffled_labels_it_does_not(some):
    sounds, which = some
    heard = music.Listener(sounds, which).share(*music.pieces(56, seed=6))
    assert heard["both"] > 0.7
    assert heard["both"] <= min(heard["mood"], heard["place"])
    mixed = which[torch.randperm(len(which), generator=dice())]
    assert music.Listener(sounds, mixed).share(*music.pieces(56, seed=6))["both"] < 0.25


def test_pieces_take_every_pair_in_turn(some):
    _, which = some
    assert len({tuple(row) for row in which[:28].tolist()}) == len(MOODS) * len(PLACES)
    assert torch.equal(which[:28], which[28:56])


def test_what_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="mood 'bored'"):
        music.piece("bored", "beach")
    with pytest.raises(ValueError, match="place 'moon'"):
        music.piece("sad", "moon")
