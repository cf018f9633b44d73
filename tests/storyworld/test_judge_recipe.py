"""The judge's recipe: what it leaves in the folder, and what its card says it depends on."""

import ast
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import mmcourse.storyworld
from mmcourse.cards import sources_hash
from mmcourse.cli import MEASURABLE, TRAINABLE
from mmcourse.hub import read_card
from mmcourse.storyworld.judge import recipe as judge_recipe
from mmcourse.storyworld.judge.data import OTHER_SEED
from mmcourse.storyworld.judge.network import Judge
from mmcourse.storyworld.judge.recipe import DRAWING, RECIPES, SOURCES, Recipe, train_judge
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.training import TIERS


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def imported(root, module):
    """The modules of StoryWorld that one of them, named from `root`, imports."""
    found = set()
    text = (root / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "mmcourse.storyworld"
        ):
            inner = ".".join(node.module.split(".")[2:])
            if (root / f"{inner.replace('.', '/')}.py").exists():
                found.add(inner)
                continue
            found |= {f"{inner}.{alias.name}" for alias in node.names}
            for name in found:
                assert (root / f"{name.replace('.', '/')}.py").exists(), f"{module}: {name}"
        elif isinstance(node, ast.Import):
            assert not any("storyworld" in alias.name for alias in node.names), module
    return found


def test_the_sources_of_a_card_are_all_that_pictures_are_drawn_by():
    root = Path(mmcourse.storyworld.__path__[0])
    todo, closure = {"drawing.render", "world.sampling"}, set()
    while todo:
        module = todo.pop()
        closure.add(f"mmcourse.storyworld.{module}")
        todo |= {
            found
            for found in imported(root, module)
            if f"mmcourse.storyworld.{found}" not in closure
        }
    assert closure == set(DRAWING)
    assert len(set(DRAWING)) == len(DRAWING)


def test_the_sources_of_a_card_hold_what_trains():
    parts = {
        f"mmcourse.storyworld.judge.{name}" for name in ("reading", "network", "data", "train")
    }
    assert {*DRAWING, *parts, "mmcourse.nn.conv"} <= set(SOURCES)
    assert len(sources_hash(SOURCES)) == 64


def test_there_is_a_recipe_for_every_tier():
    assert set(RECIPES) == set(TIERS)
    for recipe in RECIPES.values():
        assert recipe.batch_size <= min(recipe.small, recipe.large)
        assert recipe.steps > 0
        assert (recipe.polish > 0) == (recipe.crowds > 0)
        assert (recipe.again > 0) == (recipe.fresh >= 4)


def test_the_command_line_finds_it():
    assert TRAINABLE["judge"] == "mmcourse.storyworld.judge.recipe:train_judge"
    assert MEASURABLE["judge"][1] == "mmcourse.storyworld.judge.measure:measure_judge"


def log_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_a_run_leaves_a_model_and_a_card_that_tells_how_it_was_made(tmp_path):
    train_judge(tmp_path, "smoke", seed=3)
    card, recipe = read_card(tmp_path), RECIPES["smoke"]  # complete, and of these weights
    assert card["command"] == "mmcourse train judge --tier smoke --seed 3 --precision no"
    assert (card["name"], card["seed"], card["tier"]) == ("judge", 3, "smoke")
    assert card["sources"] == sources_hash(SOURCES)
    assert f"{recipe.small} families" in card["data"]
    assert f"seed {OTHER_SEED}" in card["data"]
    assert card["wall_time_s"] > 0
    assert card["metrics"]["flat_time"]["n"] == recipe.measured
    assert card["metrics"]["identity_128px"]["n"] == recipe.measured
    assert {m["band"] for m in card["metrics"].values()} == {0.02}
    confusion = json.loads((tmp_path / "confusion.json").read_text())
    for name, table in confusion.items():
        assert np.sum(table) == card["metrics"][name]["n"]
        right = np.trace(table) / np.sum(table)
        assert right == pytest.approx(card["metrics"][name]["value"])
    assert {f"{style}_mood" for style in v.STYLES} <= confusion.keys()
    lengths = {"all": recipe.steps, "crowds": recipe.polish, "again": recipe.again}
    steps = [(stage, step + 1) for stage, n in lengths.items() for step in range(n)]
    assert [(row["stage"], row["step"]) for row in log_of(tmp_path)] == steps
    files = {"card.json", "confusion.json", "config.json", "log.jsonl", "model.safetensors"}
    assert {file.name for file in tmp_path.iterdir()} == files | {"run.json"}
    stored = load_file(tmp_path / "model.safetensors")
    assert stored["look.weight"].dtype == torch.float16
    assert Judge.from_pretrained(tmp_path).strangest.isfinite(), "it was saved uncalibrated"


class Killed(Exception):
    """In the place of a power cut."""


def test_a_killed_run_goes_on_by_the_same_command_and_by_no_other(monkeypatch, tmp_path):
    monkeypatch.setitem(RECIPES, "smoke", Recipe(3, 2, 3, 2, 2, 2, 8, 2, calibration=8, measured=1))
    monkeypatch.setattr(judge_recipe, "measure_with_confusion", lambda model, n: ({}, {}))
    train_judge(tmp_path / "whole", "smoke")

    def die(*arguments):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(judge_recipe, "calibrate", die)
        with pytest.raises(Killed):
            train_judge(tmp_path / "broken", "smoke")
    before = {file: file.read_bytes() for file in (tmp_path / "broken").iterdir()}
    for other in ({"seed": 7}, {"tier": "cpu"}, {"precision": "bf16"}):
        with pytest.raises(ValueError, match=r"holds a run of .*--seed 0.*another --out"):
            train_judge(tmp_path / "broken", **{"tier": "smoke", **other})
    assert {file: file.read_bytes() for file in (tmp_path / "broken").iterdir()} == before

    train_judge(tmp_path / "broken", "smoke")
    assert [row["step"] for row in log_of(tmp_path / "broken")] == [1, 2, 3, 1, 2, 1, 2]
    found = [load_file(tmp_path / name / "model.safetensors") for name in ("whole", "broken")]
    assert same(*found)


def test_an_unknown_precision_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(ValueError, match=r"'half'.*no, bf16, fp16"):
        train_judge(tmp_path / "new", "smoke", precision="half")
    assert not (tmp_path / "new").exists()
