"""What the judge is asked: of every scene, answers, targets and facts say the same."""

from dataclasses import replace

import pytest

from mmcourse.storyworld import Character, Interaction, Scene, Thing, sample_scene
from mmcourse.storyworld.judge.reading import FIELDS, answers, arises, stated, targets
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.facts import facts, relations, truths
from mmcourse.storyworld.world.sampling import SPLITS

UNSAID = {"name", "position", "count", "left of", "right of", "next to", "in front of"}
"""What is true of a picture without being one of the questions: it follows from who is where, or,
like a name, is not to be seen."""


def anything(dice):
    """A scene of any values at all, as no split draws them, that does not contradict itself."""
    while True:
        looks = [{k: dice.pick(x) for k, x in v.CHARACTER_ATTRIBUTES.items()} for _ in range(3)]
        n, m = 1 + int(3 * dice.number()), int(3 * dice.number())
        where, names = dice.sample(v.POSITIONS, n), dice.sample(v.NAMES, n)
        things = [
            Thing(dice.pick(v.KINDS), dice.pick(v.COLOURS), p) for p in dice.sample(v.POSITIONS, m)
        ]
        act = None
        if n > 1:
            kind, (by, to) = dice.pick(v.INTERACTIONS), dice.sample(where, 2)
            gifts = [t.kind for t in things if t.position == by]
            looks = [{**look, "action": "standing"} for look in looks]
        try:
            if n > 1 and dice.chance(0.9):
                act = Interaction(kind, by, to, gifts[0] if kind == "give" and gifts else None)
            return Scene(
                tuple(
                    Character(**x, position=p, name=name)
                    for x, p, name in zip(looks, where, names, strict=False)
                ),
                tuple(things),
                dice.pick(v.PLACES),
                dice.pick(v.TIMES),
                dice.pick(v.WEATHERS),
                dice.pick(v.STYLES),
                camera=dice.pick(v.CAMERAS),
                interaction=act,
            )
        except ValueError:
            continue


@pytest.fixture(scope="module")
def every():
    """Scenes as the splits draw them, and scenes of anything."""
    sampled = [sample_scene(split, i) for split in SPLITS for i in range(250)]
    return [*sampled, *(anything(Dice("any scene", i)) for i in range(1000))]


def with_dummies(scene):
    """An answer to every question, also to those that do not arise."""
    return {f: values[-1] for f, values in FIELDS.items()} | answers(scene)


def test_the_scenes_ask_everything(every):
    """Or the properties below would hold of less than they seem to."""
    seen = {(f, answer) for scene in every for f, answer in answers(scene).items()}
    assert seen == {(f, x) for f, values in FIELDS.items() for x in values}


def test_answers_state_the_facts(every):
    for scene in every:
        assert stated(answers(scene)) == facts(scene)


def test_answers_that_do_not_arise_state_nothing(every):
    for scene in every:
        assert stated(with_dummies(scene)) == facts(scene)


def test_nothing_else_that_a_text_may_say_is_to_be_seen(every):
    for scene in every:
        rest = truths(scene) - stated(answers(scene))
        assert rest == {fact for fact in truths(scene) if fact[1] in UNSAID}
        assert relations(scene) <= rest


def test_a_question_arises_where_it_has_an_answer(every):
    for scene in every:
        said = with_dummies(scene)
        assert {f for f in FIELDS if arises(f, said)} == answers(scene).keys()


def test_targets_are_answers_by_their_place_in_the_list(every):
    for scene in every:
        found = targets(scene)
        assert len(found) == len(FIELDS)
        asked = {
            f: values[i] for (f, values), i in zip(FIELDS.items(), found, strict=True) if i >= 0
        }
        assert asked == answers(scene)
        assert all(i == -1 for f, i in zip(FIELDS, found, strict=True) if f not in asked)


def test_answers_are_of_what_is_visible_alone(every):
    """Names, identities, variations, orders of lists and who began a hug are not to be seen."""
    by_sight = {}
    for scene in every:
        by_sight.setdefault(tuple(sorted(answers(scene).items())), set()).add(scene.visible())
        act = scene.interaction
        if act is not None and act.kind in v.MUTUAL:
            act = replace(act, by=act.to, to=act.by)
        names = [name for name in v.NAMES if name not in {c.name for c in scene.characters}]
        people = [
            replace(c, name=name, identity=(0.5,) * 8)
            for c, name in zip(scene.characters, names, strict=False)
        ]
        again = replace(
            scene,
            characters=tuple(people[::-1]),
            things=scene.things[::-1],
            interaction=act,
            variation=(scene.variation + 1) % 4,
        )
        assert answers(again) == answers(scene)
    assert all(len(seen) == 1 for seen in by_sight.values())


def test_every_value_of_the_vocabulary_can_be_answered():
    for position in v.POSITIONS:
        for attribute, values in v.CHARACTER_ATTRIBUTES.items():
            assert set(values) <= set(FIELDS[f"character:{position}.{attribute}"])
        assert set(v.KINDS) <= set(FIELDS[f"thing:{position}.kind"])
        assert FIELDS[f"thing:{position}.colour"] == v.COLOURS
    for attribute, values in {
        **v.SCENE_ATTRIBUTES,
        "style": v.STYLES,
        "camera": v.CAMERAS,
        "interaction": ("none", *v.INTERACTIONS),
    }.items():
        assert FIELDS[f"scene.{attribute}"] == values
    assert len(FIELDS) == 3 * (5 + 2) + 8
    assert all(len(set(values)) == len(values) for values in FIELDS.values())
