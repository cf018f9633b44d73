"""What is remembered: pictures along the path, and a context under a budget."""

from dataclasses import replace

import numpy as np
import pytest

from mmcourse.story.abilities import Finding
from mmcourse.story.backends.fake import FakeEncoder, fake_backend
from mmcourse.story.backends.world import world_backend
from mmcourse.story.context import BUDGET, KINDS, build, count_tokens, retrieve
from mmcourse.story.craft import run
from mmcourse.story.facts import Fact
from mmcourse.story.framework import Storyteller
from mmcourse.story.library import Library
from mmcourse.story.memory import album, first_seen, recall, reference, vectors
from mmcourse.story.state import dated
from mmcourse.story.steps import draw
from mmcourse.story.story import Node, Settings, Story
from mmcourse.story.team import Team
from mmcourse.story.vectors import embedding


@pytest.fixture(scope="module")
def once():
    """A story of four scenes by the world's own pen, in a library, with its teller."""
    library = Library(":memory:")
    teller = Storyteller(library, Team([world_backend(), fake_backend()], {"encoder": "fake"}))
    story = run(teller.tell("a red fox and a blue owl", scenes=4, settings=Settings(size=48)))
    yield teller, story
    library.close()


@pytest.fixture
def told(once):
    """A copy of that story, to be changed."""
    teller, story = once
    return teller, teller.library.restore(teller.library.steps(story.id)[: story.step])


def test_the_first_accepted_picture_is_the_reference(told):
    teller, story = told
    hero = story.state().characters[0]
    first = first_seen(story, hero)
    assert first.scene == story.path()[0].id
    again = run(teller.restyle(story, "neon"))
    assert first_seen(again, hero).picture == first.picture  # a later style does not replace it
    found, hash = reference(teller.library, again, hero)
    assert hash == first.picture.hash
    assert found.identity == story.state().identity(hero)
    assert found.looks["species"] == "fox"
    left, top, right, bottom = found.box
    assert 0 <= left < right <= 1
    assert 0 <= top < bottom <= 1


def test_a_picture_that_did_not_pass_is_no_reference(told):
    _, story = told
    hero = story.state().characters[0]
    node = story.path()[0]
    bad = replace(node.picture, findings=(Finding("mood", False),))
    spoiled = replace(story, nodes={**story.nodes, node.id: replace(node, pictures=(bad,))})
    assert first_seen(spoiled, hero).scene != node.id


def test_what_was_undone_or_is_on_another_branch_is_not_remembered(told):
    teller, story = told
    first = story.path()[0]
    side = run(teller.go_on(teller.branch(story, first.id), text="it snows"))
    assert {s.scene for s in album(side)} == {first.id, side.current}
    back = teller.undo(side)
    assert side.current not in {s.scene for s in album(back)}
    on_path = {n.id for n in back.path()}
    assert {r.seen.scene for r in recall(teller.library, FakeEncoder(), back, "snow", 9)} <= on_path


def test_somebody_without_a_picture_is_known_by_their_looks(told):
    teller, _ = told
    story = run(teller.start("", "a red fox", settings=Settings(every=0)))
    hero = story.state().characters[0]
    found, hash = reference(teller.library, story, hero)
    assert (found.picture, hash) == (None, "")
    assert found.looks["colour"] == "red"


def test_vectors_are_computed_once_and_kept(told):
    teller, story = told
    encoder, asked = FakeEncoder(), []
    encoder.name = "counting"
    encoder.pictures = lambda pictures: (
        asked.append(len(pictures)) or FakeEncoder().pictures(pictures)
    )
    seen = album(story)
    first = vectors(teller.library, encoder, seen)
    again = vectors(teller.library, encoder, seen)
    assert np.array_equal(first, again)
    assert asked == [len(seen)]
    assert embedding(teller.library, seen[0].picture.hash, "counting") is not None


def test_a_picture_is_found_by_itself(told):
    teller, story = told
    for node in story.path():
        picture = teller.library.picture(node.picture.hash)
        best = teller.search_pictures(story, picture, k=1)[0]
        assert best.similarity > 0.999


def test_of_a_scene_that_was_drawn_again_the_new_picture_is_found(told):
    teller, story = told
    old = story.path()[-1].picture
    story = run(teller.restyle(story, "neon"))
    found = recall(teller.library, FakeEncoder(), story, teller.library.picture(old.hash), 99)
    assert {r.seen.picture.hash for r in found} == {n.picture.hash for n in story.path()}


def test_identities_are_kept_through_styles_redraws_and_portraits(told):
    teller, story = told
    story = run(teller.restyle(story, "sketch"))
    story = run(teller.redraw(story))
    hero = story.state().characters[0]
    story = run(teller.visualise(story, hero))
    portrait = story.portraits_of(hero)[-1].picture
    for picture in [n.picture for n in story.path()] + [portrait]:
        assert picture.accepted, picture.findings
        assert picture.style == "sketch"
    checked = [f.what for n in story.path()[1:] for f in n.picture.findings]
    assert f"identity of {hero}" in checked
    assert portrait.references == ((hero, first_seen(story, hero).picture.hash),)


def test_a_picture_is_reproducible_from_its_record(told):
    from mmcourse.story.abilities import Drawn, DrawRequest
    from mmcourse.story.craft import last_of
    from mmcourse.story.pixels import picture_hash, to_png

    teller, story = told
    illustrator, _ = teller.team.illustrator()
    for node in story.path():
        p = node.picture
        request = DrawRequest(p.prompt, p.staging, p.style, p.size[0], p.seed, view=p.view)
        again = last_of(illustrator.draw(request), Drawn).picture
        assert picture_hash(to_png(again)) == p.hash


def test_an_edit_changes_what_is_true_and_a_redraw_shows_it(told):
    teller, story = told
    hero = story.state().characters[0]
    here = story.current
    story = teller.edit(story, here, f"{hero} is furious. It is snowing.")
    assert story.state().mood(hero) == "angry"
    assert story.state().value("scene", "weather") == "snow"
    story = run(teller.redraw(story, here))
    picture = story.node(here).picture
    assert '"angry"' in picture.staging
    assert picture.accepted


# -- context -------------------------------------------------------------------------------------


def long_story(scenes=12):
    """Scenes about different things; Pip promises something in the second one."""
    things = ("lantern", "kite", "boat", "ball", "book", "flower")
    nodes = {}
    for i in range(1, scenes + 1):
        thing = things[i % len(things)]
        facts = [
            Fact("Pip", "at", "pond"),
            Fact("scene", "place", "pond"),
            Fact("Pip", "mood", "sad"),
        ]
        if i == 1:
            facts += [Fact("Pip", "species", "fox"), Fact("Pip", "colour", "red"),
                      Fact("Una", "species", "owl"), Fact("Una", "at", "pond")]  # fmt: skip
        if i == 2:
            facts.append(Fact("Pip", "promised", "to come back"))
        text = f"Scene {i}. Pip looked at the {thing} for a while, and thought of number {i}."
        nodes[i] = Node(i, i - 1 or None, (text,), facts=dated(facts, i))
    return Story("x", "T", style="neon", voice="plain", nodes=nodes, current=scenes)


@pytest.mark.parametrize("budget", [1, 10, 30, 60, 120, 400, 5000])
def test_the_budget_is_kept_and_everything_is_accounted_for(budget):
    story = long_story()
    context = build(story, prompt="the kite", budget=budget)
    assert context.tokens <= budget
    assert context.tokens == sum(count_tokens(i.text) for i in context.kept)
    everything = build(story, prompt="the kite", budget=100_000)
    assert len(context.kept) + len(context.dropped) == len(everything.kept) + len(
        everything.dropped
    )
    assert all(item.why for item in (*context.kept, *context.dropped))
    assert len(context.lines()) == len(context.kept) + len(context.dropped)


def test_what_has_more_right_to_stay_stays():
    story = long_story()
    for budget in (40, 80, 160):
        context = build(story, prompt="the kite", budget=budget)
        kinds = [KINDS.index(i.kind) for i in context.kept]
        assert kinds == sorted(kinds)
    small = build(story, budget=60)
    assert "to come back" in small.text
    assert "neon" in small.text
    assert any(i.kind == "earlier" for i in small.dropped)


def test_a_promise_of_forty_scenes_ago_is_still_there():
    assert "to come back" in build(long_story(40), budget=BUDGET).text


def test_a_marked_moment_stays_where_others_go():
    story = long_story()
    plain = build(story, budget=110)
    assert "number 3." not in plain.text
    marked = replace(story, nodes={**story.nodes, 3: replace(story.nodes[3], marked="the best")})
    kept = build(marked, budget=110)
    assert "number 3. (the best)" in kept.text


def test_scenes_that_the_prompt_speaks_of_come_back_and_none_twice():
    context = build(long_story(), prompt="where is the lantern?")
    found = [i for i in context.kept if i.kind == "retrieved"]
    assert [i.scene for i in found] == [6]
    assert "lantern" in found[0].why
    texts = [i.text for i in context.kept]
    assert len(texts) == len(set(texts))
    assert any("told already, as retrieved" in i.why for i in context.dropped)


def test_retrieval_prefers_rare_words():
    nodes = list(long_story().nodes.values())
    best = retrieve(nodes, "Pip looked at number 7")
    assert best[0][0].id == 7
    assert retrieve(nodes, "the and of") == []
    texts = ["a fox walked home"] * 4 + ["a lantern"]
    nodes = [Node(i, None, (text,)) for i, text in enumerate(texts, 1)]
    assert retrieve(nodes, "the fox walked to the lantern")[0][0].id == 5


def test_a_long_last_scene_is_cut_at_its_beginning():
    story = long_story(2)
    text = "One is first. " * 30 + "The end is near."
    story = replace(story, nodes={**story.nodes, 2: replace(story.nodes[2], texts=(text,))})
    context = build(story, budget=80)
    (cut,) = [i for i in context.kept if i.scene == 2 and i.kind == "last turns"]
    assert cut.text.startswith("… ")
    assert cut.text.endswith("The end is near.")
    assert "cut" in cut.why
    with pytest.raises(ValueError, match="at least 1 token"):
        build(story, budget=0)


def test_drawing_a_step_by_hand_is_remembered(told):
    teller, story = told
    node = story.path()[-1]
    png = teller.library.png(node.picture.hash)
    story = teller.library.add(story, draw({node.id: node.picture}), [png])
    assert album(story)[-1].picture == node.picture
