"""The recipe: what it leaves in the folder, and that a folder's run is never taken for another."""

import json
import shutil

import pytest
from safetensors.torch import load_file

from mmcourse.hub import read_card
from mmcourse.joint import JointModel, recipe
from mmcourse.joint import train as training
from mmcourse.joint.recipe import RECIPES, SOURCES, Recipe, build, train_joint
from mmcourse.storyworld import Tokenizer
from mmcourse.storyworld.world.vocabulary import KINDS
from mmcourse.training import TIERS


@pytest.fixture(autouse=True, scope="module")
def small():
    """Seconds instead of minutes: small towers, few steps, few scenes, few measurements."""
    arguments = {"size": 16, "dim": 32, "text_depth": 1, "image_depth": 1, "joint_dim": 16}
    words = Tokenizer()

    def build(fused_depth):
        return JointModel(
            len(words), vocabulary=words.fingerprint, fused_depth=fused_depth, **arguments
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe, "build", build)
        tiny = Recipe(24, 4, 2, 2, batch_size=8, fused_depth=1, measured=5)
        patch.setitem(RECIPES, "smoke", tiny)
        yield


SOME_METRICS = {"recall": {"value": 0.5, "n": 5, "chance": 0.2}}


class Killed(Exception):
    """In the place of a power cut."""


def kill(folder, measurement):
    """Run until a measurement (of the towers: between the stages; joint: before the card), then
    die."""

    def dies(model, n=None):
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe, f"measure_{measurement}", dies)
        with pytest.raises(Killed):
            train_joint(folder, "smoke")


@pytest.fixture(scope="module")
def killed_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    kill(folder, "joint")
    return folder


@pytest.fixture
def killed(killed_once, tmp_path):
    """A folder whose run was killed after its last step, before its card was written."""
    return shutil.copytree(killed_once, tmp_path / "killed")


def weights(folder):
    return load_file(folder / "model.safetensors")


def same(a, b):
    return a.keys() == b.keys() and all((a[name] == b[name]).all() for name in a)


def log_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_a_run_leaves_a_model_and_a_card_that_tells_how_it_was_made(tmp_path):
    train_joint(tmp_path, "smoke", seed=3)
    card = read_card(tmp_path)  # complete, and of these weights
    assert card["command"] == "mmcourse train joint --tier smoke --seed 3 --precision no"
    assert (card["name"], card["seed"], card["tier"]) == ("joint", 3, "smoke")
    assert card["data"] == "StoryWorld train, 24 scenes at 64x64, seed 3"
    assert card["wall_time_s"] > 0
    assert card["metrics"]["t2i_recall_at_1"]["n"] == 5
    assert card["metrics"]["matching"]["n"] == 10
    assert JointModel.from_pretrained(tmp_path).vocabulary == Tokenizer().fingerprint
    steps = [("strangers", step) for step in (1, 2, 3, 4)]
    steps += [(stage, step) for stage in ("siblings", "things") for step in (1, 2)]
    last = log_of(tmp_path)[4:]
    assert card["history"]["step"] == [1, 2, 3, 4]
    assert card["history"]["named"] == [pytest.approx(row["named"], abs=1e-4) for row in last]
    assert card["after_stage"].keys() == {"strangers", "siblings"}
    assert [(entry["stage"], entry["step"]) for entry in log_of(tmp_path)] == steps
    assert not list(tmp_path.glob("checkpoint*"))


def test_things_are_glimpsed_in_the_last_stage_alone(monkeypatch, tmp_path):
    drawn, told = [], []
    storyworld_pairs = recipe.storyworld_pairs

    def draws(*given, **options):
        pairs = storyworld_pairs(*given, **options)
        drawn.append(options["family"])
        texts = [pairs.captioner(i, turn) for i in range(24) for turn in (1, 2, 3)]
        told.append({word for text in texts for word in text.split()[1:3]} & set(KINDS))
        return pairs

    monkeypatch.setattr(recipe, "storyworld_pairs", draws)
    train_joint(tmp_path, "smoke")
    assert drawn == [1, 4, 4]
    assert [bool(kinds) for kinds in told] == [False, False, True]


def test_without_a_fused_encoder_siblings_are_told_apart_by_contrast(monkeypatch, tmp_path):
    monkeypatch.setitem(RECIPES, "smoke", Recipe(24, 2, 2, 0, batch_size=8, measured=5))
    train_joint(tmp_path, "smoke")
    assert JointModel.from_pretrained(tmp_path).fused is None
    assert "matching" not in read_card(tmp_path)["metrics"]
    assert "contrast" not in log_of(tmp_path)[-1]


def test_a_killed_run_goes_on_by_the_same_command(killed):
    trained, before = weights(killed), log_of(killed)
    train_joint(killed, "smoke")
    assert log_of(killed) == before, "it trained again what was trained"
    assert same(weights(killed), trained)
    assert read_card(killed)["wall_time_s"] >= int(before[-1]["seconds"])
    assert not list(killed.glob("checkpoint*"))


def test_a_run_killed_between_its_stages_ends_as_an_unbroken_one(monkeypatch, tmp_path):
    train_joint(tmp_path / "whole", "smoke")
    kill(tmp_path / "broken", "towers")
    assert len(log_of(tmp_path / "broken")) == 4
    train_joint(tmp_path / "broken", "smoke")
    assert len(log_of(tmp_path / "broken")) == 8
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "broken"))


def test_a_run_killed_among_siblings_ends_as_an_unbroken_one(monkeypatch, tmp_path):
    """Checkpoints are written every 50 steps, so the steps after the 250th are run twice, and
    those before the 248th not at all."""
    late = lambda start, stop: range(max(start, min(247, stop - 1)), stop)  # noqa: E731
    monkeypatch.setattr(training, "range", late, raising=False)
    monkeypatch.setitem(RECIPES, "smoke", Recipe(24, 1, 254, 0, batch_size=8))
    for name in ("measure_joint", "measure_towers"):
        monkeypatch.setattr(recipe, name, lambda model, n: SOME_METRICS)
    train_joint(tmp_path / "whole", "smoke")
    train = recipe.train

    def dies(model, pairs, **options):
        for metrics in train(model, pairs, **options):
            if metrics["step"] == 253:
                raise Killed
            yield metrics

    with monkeypatch.context() as patch:
        patch.setattr(recipe, "train", dies)
        with pytest.raises(Killed):
            train_joint(tmp_path / "broken", "smoke")
    assert log_of(tmp_path / "broken")[-1]["step"] == 252
    train_joint(tmp_path / "broken", "smoke")
    steps = [entry["step"] for entry in log_of(tmp_path / "broken")]
    assert steps[-6:] == [249, 250, 251, 252, 253, 254], "each step once"
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "broken"))


def test_checkpoints_of_nobody_knows_whom_are_refused_and_kept(killed):
    (killed / "run.json").unlink()
    before = {file: file.read_bytes() for file in killed.iterdir()}
    with pytest.raises(ValueError, match=r"unknown command.*another --out or delete") as error:
        train_joint(killed, "smoke")
    assert "\n" not in str(error.value)
    assert {file: file.read_bytes() for file in killed.iterdir()} == before


@pytest.mark.parametrize("other", [{"seed": 7}, {"tier": "cpu"}, {"precision": "bf16"}])
def test_the_checkpoint_of_another_command_is_refused_and_kept(killed, other):
    before = {file: file.read_bytes() for file in killed.iterdir()}
    with pytest.raises(ValueError, match=r"holds a run of .*--seed 0.*another --out") as error:
        train_joint(killed, **{"tier": "smoke", **other})
    assert "\n" not in str(error.value)
    assert {file: file.read_bytes() for file in killed.iterdir()} == before


def test_a_finished_folder_starts_afresh(tmp_path):
    train_joint(tmp_path, "smoke")
    first = weights(tmp_path)
    train_joint(tmp_path, "smoke", seed=1)
    assert not same(weights(tmp_path), first)
    assert read_card(tmp_path)["seed"] == 1
    assert len(log_of(tmp_path)) == 8
    train_joint(tmp_path, "smoke")
    assert same(weights(tmp_path), first), "a card's command makes the same weights again"


def test_an_unknown_precision_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(ValueError, match=r"'half'.*no, bf16, fp16"):
        train_joint(tmp_path / "new", "smoke", precision="half")
    assert not (tmp_path / "new").exists()


def test_there_is_a_recipe_for_every_tier():
    assert set(RECIPES) == set(TIERS)
    assert all(r.batch_size <= r.scenes and r.steps > 0 for r in RECIPES.values())
    assert all(r.batch_size % 8 == r.scenes % 8 == 0 for r in RECIPES.values()), "whole families"


def test_the_sources_of_a_card_are_all_that_the_weights_depend_on():
    needed = {"mmcourse.nn", "mmcourse.storyworld", "mmcourse.training"}
    needed |= {
        f"mmcourse.joint.{part}" for part in ("losses", "negatives", "towers", "model", "train")
    }
    assert needed <= set(SOURCES)


def test_the_shipped_architecture_knows_the_words_of_the_world():
    model = build()
    assert model.text_tower.words.num_embeddings == len(Tokenizer())
    assert model.vocabulary == Tokenizer().fingerprint
    assert model.image_tower.size == 64
