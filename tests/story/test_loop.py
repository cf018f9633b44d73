"""Who does what, and drawing until it passes or the tries are used up."""

import pytest

from mmcourse.story.abilities import DrawRequest
from mmcourse.story.backends.fake import fake_backend
from mmcourse.story.backends.parts import Parts
from mmcourse.story.loop import Event, Finished, Sheet, draw_checked
from mmcourse.story.pixels import picture_hash
from mmcourse.story.team import Team


def named(name, without=()):
    parts = fake_backend(without=without)
    return Parts(name, name, parts.makers, parts.missing)


def test_the_one_who_is_asked_does_it_and_the_credit_needs_no_reason():
    team = Team([named("a"), named("b")], {"writer": "b"})
    assert team.writer()[1].backend == "b"
    assert team.writer()[1].why == ""
    assert team.illustrator()[1].backend == "a"


def test_a_missing_ability_falls_back_with_the_reason():
    team = Team([named("a"), named("b", ["illustrator"])], {"illustrator": "b"})
    credit = team.illustrator()[1]
    assert (credit.backend, credit.why) == ("a", "b: left out")


def test_nobody_is_said_to_be_nobody():
    team = Team([named("a", ["narrator"])])
    assert not team.can("narrator")
    with pytest.raises(ValueError, match="nobody here is a narrator: a: left out"):
        team.narrator()


@pytest.mark.parametrize(
    ("backends", "wanted", "message"),
    [
        ([], {}, "one or more backends"),
        ([named("a"), named("a")], {}, "different names"),
        ([named("a")], {"dancer": "a"}, "no ability 'dancer'"),
        ([named("a")], {"writer": "z"}, "no backend is called 'z'"),
    ],
)
def test_a_team_that_cannot_be_is_refused(backends, wanted, message):
    with pytest.raises(ValueError, match=message):
        Team(backends, wanted)


def drawn(wrong, tries):
    sheet = Sheet(DrawRequest("a fox", size=16, seed=5), tries=tries, alt="a fox")
    events = list(draw_checked(Team([fake_backend(wrong)]), sheet, 0.2, 0.8))
    assert all(isinstance(e, Event) for e in events[:-1])
    shares = [e.share for e in events[:-1]]
    assert shares == sorted(shares)
    assert 0.2 <= shares[0] <= shares[-1] <= 0.8
    assert isinstance(events[-1], Finished)
    return events[-1]


def test_a_good_picture_is_drawn_once():
    done = drawn(0, 3)
    assert done.picture.accepted
    assert done.picture.failed == ()
    assert done.picture.seed == 5
    assert [picture_hash(f) for f in done.files] == [done.picture.hash]


def test_a_bad_one_is_drawn_again_and_both_are_recorded():
    done = drawn(1, 3)
    assert done.picture.accepted
    assert [p.seed for p in (*done.picture.failed, done.picture)] == [5, 6]
    assert not done.picture.failed[0].accepted
    assert {picture_hash(f) for f in done.files} == {done.picture.hash, done.picture.failed[0].hash}


def test_the_tries_are_bounded_and_what_failed_says_so():
    done = drawn(9, 2)
    assert not done.picture.accepted
    assert len(done.files) == 2


def test_without_a_checker_nothing_is_claimed():
    team = Team([fake_backend(without=["checker"])])
    done = list(draw_checked(team, Sheet(DrawRequest("a fox", size=16))))[-1]
    assert done.picture.checked is None
    assert done.picture.findings == ()
