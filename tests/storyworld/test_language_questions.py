"""Questions are answered truly, and nobody answers them without the picture."""

import pytest

from mmcourse.storyworld.language.asking import sample_question
from mmcourse.storyworld.language.blind import measure_blind
from mmcourse.storyworld.language.questions import KINDS, TEMPLATES, ask, questions, read_answer

N = 1500


@pytest.fixture(scope="module")
def blind():
    return measure_blind(N)


@pytest.mark.parametrize("kind", KINDS)
def test_the_blind_get_at_most_chance_and_three_points(blind, kind):
    assert blind[kind]["value"] <= blind[kind]["chance"] + 0.03


@pytest.mark.parametrize("kind", KINDS)
def test_a_sampled_question_is_true_of_its_scene(kind):
    for i in range(60):
        asked = sample_question(kind, "val", i)
        assert asked == sample_question(kind, "val", i)
        same = [q for q in questions(asked.scene) if q.fact[:2] == asked.question.fact[:2]]
        assert asked.question.answer in {q.answer for q in same}
        assert asked.choices >= 2


def test_answers_agree_with_the_scene_by_another_way(scenes):
    for scene in scenes["test"][:150]:
        for q in questions(scene):
            who, attribute, value = q.fact
            here = {c.species: c for c in scene.characters}
            if attribute == "no":
                assert value not in here
                assert value not in [t.kind for t in scene.things]
            elif attribute in ("colour", "mood", "action") and who in here:
                assert getattr(here[who], attribute) == value
            elif attribute == "accessory":
                assert here[who].accessory == (value if value != "nothing" else "none")
            elif attribute == "exists":
                colour, noun = who.split()
                pairs = [(c.colour, c.species) for c in scene.characters]
                pairs += [(t.colour, t.kind) for t in scene.things]
                assert ((colour, noun) in pairs) == (value == "yes")


def test_a_question_about_nobody_is_answered_so(scenes):
    scene = scenes["test"][0]
    q = ask(scene, "unanswerable", 4)
    assert not q.answerable
    assert q.answer.startswith("there is no ")


def test_question_and_answer_are_read_back(scenes):
    for scene in scenes["test"][:15]:
        for q in questions(scene)[::7]:
            assert read_answer(q.text, q.answer) == q.fact
    assert read_answer("What colour is the fox?", "red.") == ("fox", "colour", "red")
    assert read_answer("what colour is the fox?", "sad") is None
    assert read_answer("who is your father?", "luke") is None


def test_every_kind_has_templates_and_all_answers_occur(scenes):
    assert {t.kind for t in TEMPLATES} | {"unanswerable"} == set(KINDS)
    seen = {(q.kind, q.answer) for s in scenes["train"][:1500] for q in questions(s)}
    for template in TEMPLATES:
        assert {(template.kind, a) for a in template.answers} <= seen, template.forms


@pytest.mark.parametrize(("kind", "index"), [("smell", 0), ("colour", -1)])
def test_bad_requests_are_refused(kind, index):
    with pytest.raises(ValueError, match=r"smell|index"):
        sample_question(kind, "train", index)
