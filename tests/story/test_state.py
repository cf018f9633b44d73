"""What is true at a scene is a query along its path."""

import re

import pytest

from mmcourse.story.codec import from_data, to_data
from mmcourse.story.facts import LEDGER, WISHES, Fact
from mmcourse.story.state import State, dated
from mmcourse.story.story import Node, Picture, Story


def state(*lines):
    """A state of facts, written "scene subject attribute value" with | between the words."""
    facts = []
    for line in lines:
        scene, *triple = line.split("|")
        facts.append(Fact(*triple, int(scene)))
    scenes = tuple(dict.fromkeys(f.scene for f in facts))
    return State(tuple(facts), scenes)


def test_the_last_mood_holds_and_the_others_are_history():
    s = state("1|Pip|mood|sad", "2|Pip|mood|happy", "2|Ana|mood|angry")
    assert s.mood("Pip") == "happy"
    assert [f.scene for f in s.history("Pip", "mood")] == [1, 2]
    assert s.mood("Nobody") == ""


@pytest.mark.parametrize(
    ("lines", "owner"),
    [
        (["1|Pip|has|red ball"], "Pip"),
        (["1|Pip|has|red ball", "2|Ana|has|red ball"], "Ana"),
        (["1|Pip|has|red ball", "2|Pip|lost|red ball"], ""),
        (["1|Pip|has|red ball", "2|Ana|has|red ball", "2|Pip|lost|red ball"], "Ana"),
        (["1|Pip|has|red ball", "2|Pip|lost|red ball", "3|Pip|has|red ball"], "Pip"),
    ],
)
def test_a_thing_has_one_owner(lines, owner):
    s = state(*lines)
    assert s.owner("red ball") == owner
    for name in ("Pip", "Ana"):
        assert s.holds(name) == (("red ball",) if name == owner else ())


def test_a_promise_is_open_until_it_is_kept_and_may_be_made_again():
    s = state("1|Pip|promised|come back")
    assert [p.open for p in s.promises()] == [True]
    s = state("1|Pip|promised|come back", "3|Pip|kept|come back")
    assert [(p.made, p.kept, p.open) for p in s.promises()] == [(1, 3, False)]
    s = state("1|Pip|promised|x", "2|Pip|broke|x", "4|Pip|promised|x")
    assert [(p.made, p.open) for p in s.promises()] == [(4, True)]


def test_only_what_was_promised_can_be_kept():
    assert state("3|Pip|kept|come back").promises() == ()


def test_a_map_has_exits_both_ways_and_the_scenes_of_each_place():
    s = state("1|scene|place|pond", "2|scene|place|forest", "3|scene|place|pond",
              "3|pond|exit|beach")  # fmt: skip
    places = {p.name: p for p in s.places()}
    assert places["pond"].exits == ("forest", "beach")
    assert places["pond"].scenes == (1, 3)
    assert places["forest"].exits == ("pond",)
    assert places["beach"].scenes == ()


def test_whoever_went_on_can_go_back():
    s = state("1|scene|place|pond", "2|scene|place|forest")
    assert [(p.name, p.exits) for p in s.places()] == [("pond", ("forest",)), ("forest", ("pond",))]


def test_a_goal_is_open_until_it_is_got_and_is_said_in_words():
    s = state("1|Pip|wants|friend", "1|Ana|wants|friend", "2|Pip|wants|red ball")
    assert [f.words for f in s.goals()] == ["wants a friend"] * 2 + ["wants the red ball"]
    got = state("1|Pip|wants|friend", "1|Ana|wants|friend", "3|Pip|got|friend")
    assert [(f.subject, f.scene) for f in got.goals()] == [("Ana", 1)]
    assert [f.words for f in got.facts][-1] == "found a friend"
    again = state("1|Pip|wants|win", "2|Pip|got|win", "4|Pip|wants|win")
    assert [f.scene for f in again.goals()] == [4]


def test_every_goal_of_the_pen_has_words():
    from mmcourse.story.grammar.pen import MOVES

    lines = " ".join(line for m in MOVES.values() for line in m.beat.lines)
    wished = set(re.findall(r"{=[A-Z] (?:wants|got) ([a-z_]+)}", lines))
    assert wished
    assert wished <= set(WISHES)


def test_ties_end_when_a_promise_is_kept_and_when_rivals_become_friends():
    waiting = ("1|Kit|awaits|Pip", "1|Ana|hopes|Gus", "1|Kit|rivals|Ana", "1|Kit|hug|Pip")
    assert [f.attribute for f in state(*waiting).relations()] == ["awaits", "hopes", "rivals"]
    kept = state(*waiting, "2|Pip|kept|to come back")
    assert [f.attribute for f in kept.relations()] == ["hopes", "rivals"]
    friends = state(*waiting, "2|Ana|friend of|Kit")
    assert [f.attribute for f in friends.relations()] == ["awaits", "hopes", "friend of"]
    again = state(*waiting, "2|Pip|kept|to come back", "3|Kit|awaits|Pip")
    assert [f.attribute for f in again.relations()] == ["hopes", "rivals", "awaits"]


def test_ties_are_between_characters():
    s = state("1|Pip|species|fox", "1|Kit|species|cat", "1|Pip|give|Kit", "1|Pip|gives|red ball")
    assert [f.words for f in s.ties()] == ["gave something to Kit"]


def test_who_is_present_is_who_is_at_the_last_scene():
    s = state("1|Pip|at|pond", "1|Ana|at|pond", "2|Ana|at|forest", "2|scene|place|forest")
    assert s.present() == ("Ana",)
    assert s.present(1) == ("Pip", "Ana")


def test_every_attribute_belongs_to_one_part_of_the_ledger():
    names = [a for attributes in LEDGER.values() for a in attributes]
    assert len(names) == len(set(names))
    assert Fact("Pip", "mood", "sad").part == "moods"
    assert Fact("Pip", "juggles", "pears").part == "other"


def story():
    """1 - 2 - 3 and beside it 1 - 4, each with a mood of its own."""
    moods = {1: "happy", 2: "sad", 3: "angry", 4: "surprised"}
    parents = {1: None, 2: 1, 3: 2, 4: 1}
    nodes = {
        i: Node(i, parents[i], (f"text {i}",), facts=dated([Fact("Pip", "mood", moods[i])], i))
        for i in moods
    }
    return Story("x", "A title", nodes=nodes, current=3)


@pytest.mark.parametrize(
    ("at", "moods"),
    [(1, ["happy"]), (3, ["happy", "sad", "angry"]), (4, ["happy", "surprised"])],
)
def test_the_state_knows_its_own_path_only(at, moods):
    s = story().state(at)
    assert [f.value for f in s.history("Pip", "mood")] == moods
    assert s.mood("Pip") == moods[-1]


def test_the_tree_is_walked_both_ways():
    s = story()
    assert [n.id for n in s.path()] == [1, 2, 3]
    assert [n.id for n in s.children(1)] == [2, 4]
    assert [n.id for n in s.children(0)] == [1]
    assert s.text(4) == "text 1\n\ntext 4"
    with pytest.raises(ValueError, match="no scene 9; its scenes are"):
        s.node(9)


def test_records_survive_being_saved(team):
    import json

    picture = Picture("ab", "a fox", 3, (64, 64), "neon", team.illustrator()[1], view={"pan": 0.5},
                      references=(("Pip", "cd"),))  # fmt: skip
    nested = Picture("ef", "a fox", 4, (64, 64), "neon", team.illustrator()[1], failed=(picture,))
    again = from_data(Picture, json.loads(json.dumps(to_data(nested))))
    assert again == nested


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"subject": "a", "attribute": "b", "value": "c", "wings": 2}, "unknown field 'wings'"),
        ({"subject": "a", "attribute": "b"}, "incomplete"),
        ({"subject": 3, "attribute": "b", "value": "c"}, "Fact.subject is str, got int"),
        ({"subject": "a", "attribute": "b", "value": "c", "scene": True}, "scene is int, got bool"),
        ([], "is an object"),
    ],
)
def test_what_is_no_record_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        from_data(Fact, data)


def test_what_json_does_not_know_is_refused():
    with pytest.raises(ValueError, match="a set cannot be saved"):
        to_data({"a": {1, 2}})
