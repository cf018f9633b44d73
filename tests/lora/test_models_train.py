"""The loop and the recipes: stages, exact resumption, cards."""

import copy
import dataclasses
import json

import pytest
import torch

from mmcourse.hub import read_card
from mmcourse.lora import LoRAConfig, inject
from mmcourse.lora.models import measure, tasks
from mmcourse.lora.models import recipe as recipes
from mmcourse.lora.models.collate import Example, collate
from mmcourse.lora.models.folders import NAMES, build
from mmcourse.lora.models.measure import caption_shares, sides_of
from mmcourse.lora.models.recipe import BRIDGE, LANGUAGE, Recipe, train_one
from mmcourse.lora.models.shapes import SMOKE
from mmcourse.lora.models.targets import targets_of
from mmcourse.lora.models.train import Learning, Plan, Stage, optimisers_for, train
from mmcourse.storyworld import caption, sample_scene
from mmcourse.storyworld.language import asking
from mmcourse.storyworld.language import questions as questions_of

PLAN = Plan(
    stages=(
        Stage(1, ("words",), LANGUAGE),
        Stage(1, ("captions",), BRIDGE),
        Stage(2, ("captions",)),
    ),
    examples=4,
    batch_size=2,
    save_every=2,
)


@pytest.fixture
def few_scenes(monkeypatch):
    """Questions about 200 scenes in place of 4,000, whose truths take seconds to find."""
    monkeypatch.setattr(asking, "POOL", 200)
    caches = asking._pool, asking._found
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def some_tasks():
    return {
        "words": lambda i: tasks.words_alone(i, "train", 16),
        "captions": lambda i: tasks.describe(i, "train", 16),
    }


@pytest.mark.parametrize("name", ["blip2", "llava", "qwen-vl"])
def test_each_stage_teaches_what_it_should(name):
    torch.manual_seed(0)
    model, processor = build(name, SMOKE)
    before = copy.deepcopy(model.state_dict())

    def moved():
        now = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
        before.update(copy.deepcopy(model.state_dict()))
        return now

    steps = train(model, processor, PLAN, some_tasks())
    next(steps)
    words = moved()
    assert words
    assert all("language_model" in n or "lm_head" in n for n in words)
    next(steps)
    between = moved()
    assert between
    assert not [n for n in between if "language_model" in n or "vision" in n.split(".")[-3:]]
    next(steps)
    assert len(moved()) > len(words) + len(between) - 10
    assert [m["step"] for m in steps] == [4]
    assert not model.training
    assert all(p.requires_grad for p in model.parameters())


def test_killed_and_resumed_it_ends_the_same(tmp_path):
    runs = []
    for killed in (False, True):
        torch.manual_seed(0)
        model, processor = build("llava", SMOKE)
        file = tmp_path / f"{killed}.pt"
        loop = train(model, processor, PLAN, some_tasks(), checkpoint=file)
        if killed:
            for _ in range(3):
                next(loop)
            loop.close()
            torch.manual_seed(1)
            model, processor = build("llava", SMOKE)
            loop = train(model, processor, PLAN, some_tasks(), checkpoint=file)
        list(loop)
        runs.append(model.state_dict())
    assert all(torch.equal(runs[0][k], runs[1][k]) for k in runs[0])


def test_an_adapter_alone_is_trained():
    torch.manual_seed(0)
    model, processor = build("llava", SMOKE)
    inject(model, LoRAConfig(targets_of("llava", model), rank=2))
    before = {n: p.clone() for n, p in model.named_parameters()}
    plan = Plan((Stage(2, ("captions",)),), examples=2, batch_size=2)
    list(train(model, processor, plan, some_tasks()))
    moved = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert moved == {n for n in before if ".adapters." in n}


def test_what_cannot_be_trained_is_refused():
    model, processor = build("llava", SMOKE)
    with pytest.raises(ValueError, match="no task 'x'; there are words, captions"):
        next(train(model, processor, Plan((Stage(1, ("x",)),), 2), some_tasks()))
    with pytest.raises(ValueError, match="no parameter matches 'tower': nothing would"):
        next(train(model, processor, Plan((Stage(1, ("words",), "tower"),), 2), some_tasks()))


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_leaves_a_folder_with_its_card(name, tmp_path, few_scenes, monkeypatch):
    small = {"smoke": recipes.recipes(name)["smoke"]}
    plan = small["smoke"].plan
    if name != "clip":  # one step of each stage
        plan = Plan((*plan.stages[:-1], Stage(1, plan.stages[-1].tasks)), 4, 2)
    monkeypatch.setattr(recipes, "recipes", lambda *_: {"smoke": Recipe(plan, 2)})
    train_one(name, tmp_path, "smoke")
    card = read_card(tmp_path)
    assert card["command"] == f"mmcourse train {name} --tier smoke --seed 0 --precision no"
    assert card["metrics"]
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "float16"
    assert not list(tmp_path.glob("checkpoint*"))


@pytest.mark.parametrize("name", ["llava", "qwen-vl"])
def test_matrices_inside_blocks_are_muons(name):
    model, _ = build(name, SMOKE)
    plain = optimisers_for(Learning(model), PLAN)
    assert len(plain) == 1
    adamw, muon = optimisers_for(Learning(model), dataclasses.replace(PLAN, muon=1e-3))
    inside = {
        id(p)
        for n, p in model.named_parameters()
        if (".layers." in n or "visual.blocks." in n) and p.ndim == 2
    }
    assert {id(p) for p in muon.param_groups[0]["params"]} == inside
    rest = {id(p) for group in adamw.param_groups for p in group["params"]}
    assert rest == {id(p) for p in model.parameters()} - inside


def test_true_captions_are_true_and_others_are_not():
    true = [caption(sample_scene("test", i), key=i) for i in range(6)]
    assert caption_shares(true, range(6)) == (1.0, 1.0)
    wrong = caption_shares(true[1:] + true[:1], range(6))
    assert wrong[0] < 0.8
    half = caption_shares([t.split(".")[0] + "." for t in true], range(6))
    assert half[0] == 1.0
    assert half[1] < 0.9
    assert caption_shares(["gloop"], [0])[0] < 1.0


def test_a_talk_is_true_and_balanced_within_a_kind():
    told = {"yes": 0, "no": 0}
    for i in range(40):
        example = tasks.talk(i, "train", 16)
        turns = ((example.prompt, example.answer), *example.more)
        assert len({q for q, _ in turns}) == len(turns)
        if i % tasks.BLANK_EVERY == tasks.BLANK_EVERY - 1:
            assert {a for _, a in turns} == {tasks.CANT_TELL}
            continue
        scene = sample_scene("train", i)
        known = {}
        for t in questions_of.TEMPLATES:
            for content in t.contents():
                if truth := t.truth(scene, content):
                    for form in range(len(t.forms)):
                        known[t.question(content, truth, form).text] = truth
        for question, said in turns:
            assert known[question] == said
            told[said] = told.get(said, 0) + 1
    assert 0.5 < told["yes"] / told["no"] < 2  # of a scene's questions nine in ten are "no"


def test_a_tower_that_was_trained_before_learns_in_the_last_stages_alone():
    model, _ = build("llava", SMOKE)
    names = [n for n, _ in model.named_parameters()]
    for tier in ("gpu", "full"):
        *before, mixed, last = recipes.recipes("llava", tower=True)[tier].plan.stages
        for stage in before:
            learned = [n for n in names if stage.learns(n)]
            assert learned
            assert not [n for n in learned if "vision_tower" in n]
        assert all(stage.learns(n) for n in names for stage in (mixed, last))


@pytest.mark.parametrize("tier", ["smoke", "cpu", "gpu", "full"])
def test_llava_copies_before_it_does_all_at_once(tier):
    *_, copying, mixed, last = recipes.recipes("llava", tower=True)[tier].plan.stages
    assert copying.tasks == ("structure",)
    assert copying.steps >= 1
    assert 0.2 < mixed.tasks.count("structure") / len(mixed.tasks) < 0.5
    assert last.steps >= 1
    assert set(last.tasks) == {"structure", "talk"}
    for name in ("blip2", "qwen-vl"):
        stages = recipes.recipes(name)[tier].plan.stages
        assert not [s for s in stages if "structure" in s.tasks]


def test_every_kind_is_asked_and_every_tenth_picture_is_blank(few_scenes):
    examples = [tasks.question_of(i, "train", 16, ("colour", "place")) for i in range(40)]
    blank = [e for e in examples if e.answer == tasks.CANT_TELL]
    assert len(blank) == 4
    assert all(low == high for e in blank for low, high in e.pictures[0].getextrema())
    assert isinstance(examples[0], Example)


def test_a_model_of_any_size_is_shown_two_and_a_scene_has_one():
    assert [sides_of(build(name)[0]) for name in ("llava", "qwen-vl")] == [(64,), (64, 96)]
    made = recipes._made
    seen = {i: made(tasks.describe, (16, 24), i).pictures[0].size[0] for i in range(64)}
    assert sorted(seen.values()) == [16] * 32 + [24] * 32
    assert len({seen[i] for i in range(9, 64, 10)}) == 2  # every tenth is blank, of either size
    again = made(tasks.describe, (16, 24), 5 + tasks.SCENES).pictures[0].size[0]
    assert again == seen[5]


def test_pictures_of_two_sizes_make_one_batch():
    torch.manual_seed(0)
    model, processor = build("qwen-vl", SMOKE)
    model.eval()
    both = [tasks.question_of(i, "test", side) for i, side in ((0, 32), (1, 48))]
    together = collate(processor, both)
    with torch.no_grad():
        losses = [model(**collate(processor, [one])).loss for one in both]
        labelled = [int((collate(processor, [one])["labels"][:, 1:] != -100).sum()) for one in both]
        whole = model(**together).loss
    mean = sum(loss * n for loss, n in zip(losses, labelled)) / sum(labelled)
    assert whole == pytest.approx(float(mean), abs=1e-4)


def test_a_page_as_the_world_tells_it_can_be_read_and_nonsense_can_not():
    pages = [tasks.page_of(i, "test", 16) for i in range(60)]
    read = [measure.readable_after(page.prompt, page.answer) for page in pages]
    assert sum(read) >= 0.95 * len(pages)  # "it" may be a thing of two pages before
    assert not measure.readable_after(pages[1].prompt, "")
    assert not measure.readable_after(
        pages[1].prompt, pages[1].answer + " they share the fox of of."
    )


def test_questions_are_measured_on_both_sizes(few_scenes, monkeypatch):
    torch.manual_seed(0)
    sides = []

    def asked(index, split, side):
        sides.append(side)
        return tasks.question_of(index, split, 16)

    monkeypatch.setattr(measure, "question_of", asked)
    found = measure.measure_qwen(measure.QwenVL(*build("qwen-vl", SMOKE)), 2)
    assert sides == [64, 64, 96, 96]
    assert found["right_large"]["n"] == 2


def test_pages_are_read_by_the_page_and_by_the_schema_alone(few_scenes, monkeypatch):
    torch.manual_seed(0)
    narrowed, rules = [], measure.Constrained

    def constrained(*given, **how):
        narrowed.append(how["narrowed"] is not None)
        return rules(*given, **how)

    monkeypatch.setattr(measure, "Constrained", constrained)
    found = measure.measure_llava(measure.Llava(*build("llava", SMOKE)), 2)
    assert narrowed == [True, False]
    assert found["extraction_schema"]["chance"] == found["extraction_all"]["chance"]
