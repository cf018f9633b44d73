"""On told stories each measure is at its ceiling for the world's own pen, and falls for the system
that is broken where it looks."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmcourse.story.measure.intervals import interval
from mmcourse.story.measure.pages import Tally
from mmcourse.storyworld.judge.network import Judge

EXPERIMENTS = str(Path(__file__).parents[3] / "experiments")
STORIES = 4


@pytest.fixture(scope="module")
def helpers():
    """The experiment's own parts."""
    sys.path.insert(0, EXPERIMENTS)
    import _story_parts
    import _story_pictures
    import _story_text

    sys.path.remove(EXPERIMENTS)
    return _story_pictures, _story_parts, _story_text


@pytest.fixture(scope="module")
def judge():
    return Judge.from_pretrained("judge").eval()


@pytest.fixture(scope="module")
def stories(helpers):
    return [helpers[0].tell(i, 0, 4) for i in range(STORIES)]


@pytest.fixture(scope="module")
def found(helpers, judge, stories):
    """Each measure of each system, over all stories."""
    from mmcourse.story.backends.towers import Towers

    pictures, eyes = helpers[0], helpers[0].Eyes(judge, Towers())
    all_ = []
    for told in stories:
        drawn = pictures.systems(told, pictures.cast_of(9, 0), {})
        all_.append(pictures.measured(told, drawn, eyes))
    return {
        system: {
            name: interval([[one[system][name]] for one in all_], draws=1)["value"]
            for name in all_[0][system]
        }
        for system in all_[0]
    }


def test_the_worlds_own_pen_is_the_ceiling(found):
    world = found["world"]
    for name in ("character_f1", "exact_frames", "rest_kept", "vistory_csd_self"):
        assert world[name] > 0.95, name
    for name in ("changes_honoured", "mood"):
        assert world[name] > 0.9, name
    assert world["duplicates"] == 0
    assert world["style_variance"] < 0.02
    assert world["vistory_occm"] > 98
    assert world["retrieval_at_1"] > 0.7


def test_without_memory_nobody_stays_themselves(found):
    assert found["world"]["identity_margin"] > 0.2
    for system in ("memory_off", "references_shuffled"):
        assert abs(found[system]["identity_margin"]) < found["world"]["identity_margin"] / 2
        assert found[system]["vistory_cids_cross"] < found["world"]["vistory_cids_cross"] - 0.1
        assert found[system]["character_f1"] > 0.95  # no word is wrong: F1 cannot see it


def test_a_wrong_reference_is_at_least_the_same_one_on_all_pages(found):
    off, shuffled = found["memory_off"], found["references_shuffled"]
    assert shuffled["vistory_cids_self"] > off["vistory_cids_self"]


def test_pictures_of_other_pages_are_not_found_and_show_what_was_not_asked(found):
    shuffled, world = found["pictures_shuffled"], found["world"]
    assert shuffled["retrieval_at_1"] < 0.25
    for name in ("exact_frames", "changes_honoured", "character_f1"):
        assert shuffled[name] < world[name] - 0.1, name


@pytest.mark.parametrize("system", ["copy", "mirrored_copy"])
def test_who_pastes_loses_all_but_the_likeness(found, system):
    world, pasted = found["world"], found[system]
    assert pasted["duplicates"] > 0.9
    for name in ("exact_frames", "changes_honoured", "retrieval_at_1", "vistory_occm"):
        assert pasted[name] < world[name], name
    assert pasted["changes_honoured"] < world["changes_honoured"] - 0.3


def test_pasting_is_told_from_drawing(found):
    assert found["copy"]["vistory_copy_paste"] > 0.95
    assert found["mirrored_copy"]["vistory_copy_paste"] < 0.5
    assert 0.3 < found["world"]["vistory_copy_paste"] < 0.8  # some pages happen to look alike
    assert found["copy"]["vistory_cids_cross"] > found["world"]["vistory_cids_cross"]


def test_an_illustrator_is_given_its_own_first_pictures(helpers, stories):
    told, asked = stories[0], []

    class Watched:
        def draw(self, request):
            asked.append(request)
            yield from told.teller.team.illustrator()[0].draw(request)

    pages = helpers[0].illustrated(told, Watched())
    hero = told.scenes[0].characters[0].name
    later = [r for q in asked[1:] for r in q.references if r.name == hero]
    assert later
    assert all(r.picture is pages[0] and not r.identity for r in later)
    helpers[0].illustrated(told, Watched(), remembers=False)
    assert not any(q.references for q in asked[len(pages) :])


def test_doubles_are_drawn_by_the_same_hand_from_a_portrait_of_the_double(helpers, stories, judge):

    told, asked = stories[0], []
    pen = told.teller.team.illustrator()[0]

    class Watched:
        def draw(self, request):
            asked.append(request)
            yield from pen.draw(request)

    pictures = helpers[0]
    drawn = pictures.doubles_by(told, Watched())
    expected = list(pictures.doubles(told))
    assert len(drawn) == len(expected) == len(asked)
    for request, (scene, position) in zip(asked, expected):
        (reference,) = request.references
        double = next(c for c in scene.characters if c.position == position)
        portrait = pictures.scene_of(reference.staging)
        assert pictures.called(portrait, reference.name).identity == double.identity
    assert len({request.seed for request in asked} | {told.seed}) == len(asked) + 1
    asked.clear()
    pictures.doubles_by(told, Watched(), remembers=False)
    assert not any(request.references for request in asked)


def test_a_system_of_another_hand_is_held_against_its_own_doubles(helpers, stories, judge):
    from mmcourse.story.backends.towers import Towers

    told, pictures = stories[0], helpers[0]
    eyes = pictures.Eyes(judge, Towers())
    same = [told.pictures[pair.page] for pair in pictures.pairs(told.scenes)]  # no double at all
    drawn = {"world": told.pictures, "other": told.pictures}
    found = pictures.measured(told, drawn, eyes, {"other": same})
    assert found["other"]["identity_margin"].hits == pytest.approx(0, abs=1e-5)
    assert found["other"]["pens_margin"] == found["world"]["identity_margin"]
    assert found["world"]["identity_margin"].hits > 0.1
    assert "pens_margin" not in found["world"]


def test_a_style_that_changes_is_seen(helpers, judge, stories):
    parts = [helpers[1].styles(told, helpers[0].Eyes(judge, None)) for told in stories]
    for part in parts:
        assert part["style_variance_one"].hits < 0.05
        assert part["style_variance_mixed"].hits > 0.5
        assert part["vistory_csd_self_one"].hits > 0.9
        assert part["vistory_csd_self_mixed"].hits < 0.3


def test_the_eye_lets_pass_what_it_never_saw_together(helpers, stories):
    from mmcourse.story.backends.tiny_eye import EyeChecker

    eye = EyeChecker()
    parts = [helpers[1].refused(told, eye) for told in stories]
    share = {k: sum(p[k].hits for p in parts) / sum(p[k].of for p in parts) for k in parts[0]}
    assert sum(p["refused_new_pair"].of for p in parts) > 5
    assert max(share.values()) < 0.1


def test_who_never_looks_answers_worse(helpers, stories):
    from mmcourse.story.backends.world import world_backend

    answerer = world_backend().ability("picture answerer")
    parts = [helpers[1].answers(told, answerer) for told in stories]
    share = {k: sum(p[k].hits for p in parts) / sum(p[k].of for p in parts) for k in parts[0]}
    assert share["answers_record"] == 1
    assert share["answers_looking"] > share["answers_blank"] + 0.05
    assert share["answers_looking"] > share["answers_other_page"]


def test_checkers_catch_what_is_wrong_and_let_pass_what_is_right(helpers, stories):
    from mmcourse.story.backends.world import world_backend

    told = stories[0]
    other = Image.new("RGB", (128, 128), (90, 90, 90))
    drawn = {"world": told.pictures, "grey": [other] * len(told.pictures)}
    found = helpers[1].checked(told, drawn, {"world": world_backend().ability("checker")})
    assert found["caught_world_world"].hits == 0
    assert found["caught_world_grey"] == (3, 3)
    assert found["caught_world_mirrored"].hits >= 2


def test_drift_adds_up_only_after_the_last_picture(helpers, judge):
    eyes = helpers[0].Eyes(judge, None)
    parts = [p for i in range(8) if (p := helpers[1].drifting(i, 0, eyes))]
    means = {k: np.mean([p[k].hits for p in parts]) for k in parts[0]}
    assert means["drift_after_the_first"] > means["drift_after_the_last"] + 0.05


def test_texts_do_not_contradict_themselves_but_backwards_they_do(helpers):
    text = helpers[2]
    told = [helpers[0].tell(i, 0, 5, drawn=False) for i in range(8)]
    parts = [text.text_of(t) for t in told]
    assert sum(p["written"].hits + p["read"].hits for p in parts) == 0
    assert sum(p["read_backwards"].hits for p in parts) > 0
    assert sum(p["reader"].hits for p in parts) > 0.95 * sum(p["reader"].of for p in parts)
    gone = [text.undone(t) for t in told]
    assert sum(p["undone_path"].hits for p in gone) == 0
    assert sum(p["undone_everything"].hits for p in gone) > 0


def test_contexts_of_a_long_story(helpers):
    found = helpers[2].long_story(0, 0, longest=20)
    assert found["facts_ours_20_all"].hits == found["facts_ours_20_all"].of > 10
    for budget in (50, 100):
        ours, window = (found[f"facts_{x}_20_{budget}"].hits for x in ("ours", "window"))
        assert ours > window
    assert found["facts_ours_20_50"].hits < found["facts_ours_20_400"].hits


def test_a_run_that_was_killed_goes_on(helpers, tmp_path):
    sys.path.insert(0, EXPERIMENTS)
    from story import Work, summary

    sys.path.remove(EXPERIMENTS)
    file = tmp_path / "parts.jsonl"
    work = Work(True, file)
    work.do("story 0 0", lambda: {"world.mood": Tally(1, 2), "read": Tally(0, 1)})
    file.write_text(file.read_text() + '["story 0 1", {"wor')  # killed while it wrote
    again = Work(True, file)
    again.do("story 0 0", lambda: pytest.fail("this was done before"))
    again.do("story 0 1", lambda: {"world.mood": Tally(2, 2)})
    assert summary(Work(True, file))["world"]["mood"]["value"] == 3 / 4
