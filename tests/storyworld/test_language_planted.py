"""A text is set beside a scene, or a page, that differs from it in one fact: it must be noticed."""

import re
from collections import Counter
from contextlib import suppress
from dataclasses import replace

import pytest

from mmcourse.storyworld import Character, Interaction, Scene, Thing, describe
from mmcourse.storyworld.language.check import check_page, check_scene, check_story, check_text
from mmcourse.storyworld.language.parse import Account, read
from mmcourse.storyworld.language.story_parse import read_story
from mmcourse.storyworld.language.tell import tell
from mmcourse.storyworld.language.words import QUIET, article
from mmcourse.storyworld.world import vocabulary as v

SETTING = {**v.SCENE_ATTRIBUTES, "style": v.STYLES, "camera": v.CAMERAS}
MIRROR = {"left": "right", "right": "left", "middle": "middle"}


def other(values, value, turn):
    """Another value, a different one at each turn."""
    left = [x for x in values if x != value]
    return left[turn % len(left)]


def swapped(who, position, **changes):
    return tuple(replace(x, **changes) if x.position == position else x for x in who)


def mirrored(scene):
    """The same scene with left and right exchanged."""
    act = scene.interaction
    return replace(
        scene,
        characters=tuple(replace(c, position=MIRROR[c.position]) for c in scene.characters),
        things=tuple(replace(t, position=MIRROR[t.position]) for t in scene.things),
        interaction=act and replace(act, by=MIRROR[act.by], to=MIRROR[act.to]),
    )


def changed(scene, said, turn):
    """(what was changed, a scene that differs from `scene` in one fact that was said)."""
    for fact in sorted(said):
        if QUIET.get(fact[1]) != fact[2]:  # silence says those too
            with suppress(ValueError):  # there is no such scene
                yield from without(scene, fact, turn)


def without(scene, fact, turn):
    """Scenes in which a fact of this one is untrue."""
    (who, attribute, value), act = fact, scene.interaction
    group, _, position = who.partition(":")
    if group == "scene" and attribute in SETTING:
        yield attribute, replace(scene, **{attribute: other(SETTING[attribute], value, turn)})
    elif group == "character" and attribute in v.CHARACTER_ATTRIBUTES:
        now = {attribute: other(v.CHARACTER_ATTRIBUTES[attribute], value, turn)}
        yield attribute, replace(scene, characters=swapped(scene.characters, position, **now))
    elif group == "thing" and attribute in ("colour", "kind"):
        now = {attribute: other(v.COLOURS if attribute == "colour" else v.KINDS, value, turn)}
        yield f"thing's {attribute}", replace(scene, things=swapped(scene.things, position, **now))
    elif attribute in v.INTERACTIONS:
        yield f"no {attribute}", replace(scene, interaction=None)
        if attribute == "follow":
            yield attribute, replace(scene, interaction=replace(act, by=act.to, to=act.by))


def test_one_changed_fact_of_a_scene_is_noticed(scenes):
    caught = Counter()
    for turn, scene in enumerate(scenes["train"][:500] + scenes["compositional"][:200]):
        told = describe(scene, turn, names=turn % 2 > 0)
        for what, lie in changed(scene, told.facts, turn):
            assert check_scene(told.text, lie)[0], (what, told.text)
            caught[what] += 1
        positions = {x for _, k, x in told.said if k == "position"} - {"middle"}
        if positions:
            assert check_scene(told.text, mirrored(scene))[0], told.text
            caught["position"] += 1
    expected = {
        *SETTING,
        *v.CHARACTER_ATTRIBUTES,
        "thing's kind",
        "thing's colour",
        "position",
        "follow",
    }
    assert set(caught) == expected | {f"no {kind}" for kind in v.INTERACTIONS}
    assert min(caught.values()) > 10, caught


def test_somebody_too_many_or_too_few_is_noticed(scenes):
    for turn, scene in enumerate(s for s in scenes["train"][:600] if len(s.characters) > 1):
        text = describe(scene, turn).text
        fewer = replace(scene, characters=scene.characters[:1], interaction=None, things=())
        assert check_scene(text, fewer)[0], text
        if "creatures" in text or "animals" in text:
            lie = re.sub("there are (?:two|three)", "there is one", text)
            assert read(lie).facts != read(text).facts


RED_FOX = Character("fox", "red", position="left")
BLUE_BEAR = Character("bear", "blue", position="right", name="Dot")
BALL = Thing("ball", "yellow", "middle")
PAIR = Scene((RED_FOX, BLUE_BEAR), (BALL,))


@pytest.mark.parametrize(
    ("true", "lie"),
    [
        ("a red fox. there is no cat.", "a red fox. there is no bear."),
        ("the fox and the bear.", "the fox and the owl."),
        ("a fox left of a bear.", "a fox right of a bear."),
        ("a fox next to a ball.", "a fox next to a kite."),
        ("a ball between a fox and a bear.", "a bear between a fox and a ball."),
        ("there are two animals.", "there are three animals."),
        ("two animals. a fox and a bear.", "two foxes."),
        ("pip the fox.", "pip the bear."),
        ("a yellow ball in the middle.", "a yellow ball on the left."),
        ("a fox with a bare head.", "a fox wearing a hat."),
    ],
)
def test_a_lie_about_two_is_found(true, lie):
    assert check_scene(true, PAIR)[0] == []
    assert check_scene(lie, PAIR)[0]


def test_who_does_what_to_whom_is_not_exchanged():
    follow = replace(PAIR, interaction=Interaction("follow", "left", "right"))
    gift = Scene((RED_FOX, BLUE_BEAR), (Thing("ball", "yellow", "left"),),
                 interaction=Interaction("give", "left", "right", "ball"))  # fmt: skip
    hug = replace(PAIR, interaction=Interaction("hug", "left", "right"))
    for scene, true, lies in (
        (follow, "a fox follows a bear.", ["a bear follows a fox.", "a fox hugs a bear."]),
        (gift, "a fox gives a bear a ball.", ["a bear gives a fox a ball.",
                                              "a fox gives a bear a red ball."]),
        (hug, "a bear hugs a fox.", ["a bear quarrels with a fox.", "a bear follows a fox."]),
        (PAIR, "a bear and a fox.", ["a bear and a fox hug.", "a bear gives a fox a ball."]),
    ):  # fmt: skip
        assert check_scene(true, scene)[0] == []
        for lie in lies:
            assert check_scene(lie, scene)[0], lie


@pytest.mark.parametrize(
    "text",
    [
        "a red fox left of a bear. the bear left of the fox.",
        "a red fox left of a bear. the fox right of the bear.",
        "an angry fox hugs a bear.",
        "an angry fox gives a bear a ball.",
        "a fox waves. there is no fox.",
        "a red ball. there is no ball.",
        "a fox on the left. the fox is on the right.",
        "a fox waves. it sleeps.",
        "a fox in a hat. it wears a scarf.",
        "by day. at night.",
        "in watercolour. in pencil.",
        "from close by. from further back.",
        "pip the fox. pip the bear.",
    ],
)
def test_a_text_that_cannot_be_true_is_found(text):
    assert check_text(text)[0]


# -- stories --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stories():
    return [tell(i) for i in range(300)]


def test_one_changed_fact_of_a_page_is_noticed(stories):
    caught = Counter()
    values = {**v.SCENE_ATTRIBUTES, **v.CHARACTER_ATTRIBUTES}
    for turn, story in enumerate(stories):
        for page in story.pages:
            names = {c.name for c in page.scene.characters}
            for who, attribute, value in page.facts:
                if attribute in values and (who == "scene" or who in names):
                    lie = {(who, attribute, other(values[attribute], value, turn))}
                elif attribute in v.INTERACTIONS and attribute not in v.MUTUAL:
                    lie = {(value, attribute, who)}
                else:
                    continue
                account = Account(page.facts - {(who, attribute, value)} | lie)
                assert check_page(account, page.scene), (lie, page.text)
                caught[attribute] += 1
    assert set(caught) >= {*values, "give", "follow"}


def test_whoever_is_not_on_the_page_does_nothing_there(stories):
    page = next(p for s in stories for p in s.pages if len(p.scene.characters) == 1)
    absent = next(n for n in v.NAMES if n != page.scene.characters[0].name)
    for fact in (("mood", "happy"), ("action", "waving"), ("accessory", "hat")):
        assert check_page(Account(frozenset({(absent, *fact)})), page.scene)
    for fact in (("species", "fox"), ("wants", "snow")):
        assert not check_page(Account(frozenset({(absent, *fact)})), page.scene)


def test_a_changed_look_is_noticed_pages_later(stories):
    for story in stories[:100]:
        hero = story.cast[0]
        for lie in (
            f"{other(('red', 'blue', 'green'), hero.colour, 0)} {hero.species}",
            f"{hero.colour} {other(('fox', 'cat', 'bear'), hero.species, 0)}",
        ):
            wrong, _ = check_story(f"{story.text}\n\n{hero.name} is {article(lie)}.")
            assert wrong, lie
            assert wrong[0].page == len(story.pages) + 1


def test_a_thing_changes_hands_only_if_it_is_given_or_lost():
    has = "{} had a new red ball, and {} wanted everyone to know it.\n\n"
    lost = "Pip's ball came down somewhere else.\n\n"
    pip, nell = has.format("Pip", "he"), has.format("Nell", "she")
    gives = (
        'Pip put the red ball into her arms. "You keep it till tomorrow," said Pip. '
        '"With you it stays found."\n\n'
    )
    assert check_story(pip + nell)[0]
    assert not check_story(pip + lost + nell)[0]
    assert not check_story("Nell was happy.\n\n" + pip + gives)[0]
    assert check_story("Nell was happy.\n\n" + pip + gives + pip)[0]
    accounts = read_story("Nell was happy.\n\n" + pip + gives)
    assert ("Nell", "has", "red ball") in accounts[2].facts


@pytest.mark.parametrize("order", ["left", "right"])
def test_a_side_is_held_against_the_places_of_both(order):
    other_side = MIRROR[order]
    caption = "a red fox {} of a blue owl. the fox sits {}. the owl sits {}"
    where = {at: f"on the {at}" for at in ("left", "right")} | {"middle": "in the middle"}
    right = [(order, "middle"), ("middle", other_side), (order, other_side)]
    for fox in v.POSITIONS:
        for owl in v.POSITIONS:
            wrong, unread = check_text(caption.format(order, where[fox], where[owl]))
            assert not unread
            assert bool(wrong) == ((fox, owl) not in right), (fox, owl)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("a red fox is sitting on the right left of a blue owl", 1),
        ("a red fox is sitting in the middle left of a blue owl", 0),
        ("a red fox is sitting on the right left of a blue kite", 0),  # it may lie beyond
    ],
)
def test_at_the_edge_nobody_stands_beyond(text, wrong):
    assert len(check_text(text)[0]) == wrong
