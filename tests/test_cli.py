"""The command line: what a user types, and what they see when it is wrong."""

import json
import subprocess
import sys

import pytest

from mmcourse import cli
from mmcourse.hub import read_card
from mmcourse.joint import JointModel, recipe
from mmcourse.joint.evaluate import READABLE
from mmcourse.joint.measure_fused import ASKED
from mmcourse.joint.recipe import RECIPES, Recipe
from mmcourse.storyworld import Tokenizer


@pytest.fixture
def mmcourse(monkeypatch, capsys):
    """Run the command line here; returns (exit status, what it printed, its errors)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mmcourse", *map(str, arguments)])
        status = 0
        try:
            cli.main()
        except SystemExit as stop:
            status = stop.code or 0
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def small_towers(fused_depth=0):
    words = Tokenizer()
    arguments = {"size": 16, "dim": 32, "text_depth": 1, "image_depth": 1, "joint_dim": 16}
    return JointModel(
        len(words), vocabulary=words.fingerprint, fused_depth=fused_depth, **arguments
    )


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("untrained")
    small_towers().save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["train", "jiont"], "'jiont'.*joint"),
        (["train", "joint", "--tier", "huge"], "'huge'.*smoke, cpu, gpu, full"),
        (["train", "joint", "--precision", "half"], "'half'.*no, bf16, fp16"),
        (["train", "joint", "--tier", "smoke", "--seed", "-1"], "seed is -1"),
        (["measure", "jiont"], "'jiont'.*joint"),
        (["measure", "joint", "--weights", "nowhere"], "'nowhere'.*joint"),
        (["app", "--library", "."], "library .*opened"),
    ],
)
def test_what_a_user_can_mend_is_one_line(mmcourse, tmp_path, monkeypatch, arguments, named):
    monkeypatch.chdir(tmp_path)
    status, out, err = mmcourse(*arguments)
    assert status == 2
    assert out == ""
    assert err.startswith("mmcourse: ")
    assert err.count("\n") == 1
    assert not set(named.split(".*")) - {part for part in named.split(".*") if part in err}


@pytest.mark.parametrize(("n", "least"), [("0", 1), ("-4", 1), ("4", 5)])
def test_too_few_scenes_are_one_line(mmcourse, untrained, n, least):
    status, out, err = mmcourse("measure", "joint", "--weights", untrained, "--n", n)
    assert (status, out) == (2, "")
    assert err == f"mmcourse: n must be at least {least}, got {n}\n"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["train"], "name"),
        (["measure", "joint", "--n", "many"], "--n"),
        (["train", "joint", "--bogus"], "--bogus"),
        (["paint"], "paint"),
    ],
)
def test_a_command_that_is_not_understood_names_what_is_wrong(mmcourse, arguments, named):
    status, out, err = mmcourse(*arguments)
    assert (status, out) == (2, "")
    error = err.strip().splitlines()[-1]
    assert error.startswith("Error: ")
    assert named in error
    assert "Traceback" not in err


def test_no_traceback_and_status_2_from_the_shell():
    command = [sys.executable, "-c", "from mmcourse.cli import main; main()", "measure", "jiont"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    known = ", ".join(cli.MEASURABLE)
    assert answer.stderr == f"mmcourse: no model is called 'jiont'; choose one of {known}\n"
    assert answer.stdout == ""


def test_a_program_error_is_not_hidden(mmcourse, monkeypatch):
    monkeypatch.setattr(cli, "_load", lambda reference: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        mmcourse("measure", "joint")


def test_train_saves_and_measures(mmcourse, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(RECIPES, "smoke", Recipe(24, 3, 0, 0, batch_size=8, measured=5))
    monkeypatch.setattr(recipe, "build", small_towers)
    status, _, err = mmcourse("train", "joint", "--tier", "smoke", "--seed", "2")
    assert status == 0, err
    assert read_card(tmp_path / "runs" / "joint")["seed"] == 2
    status, _, err = mmcourse("train", "joint", "--tier", "smoke", "--out", tmp_path / "there")
    assert status == 0, err
    assert read_card(tmp_path / "there")["seed"] == 0


def test_measure_prints_one_json_object(mmcourse, untrained):
    status, out, _ = mmcourse("measure", "joint", "--weights", untrained, "--n", 6, "--json")
    assert status == 0
    found = json.loads(out)
    assert out.count("\n") == 1
    assert set(found) == {"name", "metrics"}
    assert found["name"] == "joint"
    names = {f"zero_shot_{a}" for a in READABLE} | {"binding_swap"}
    for split in ("", "compositional_"):
        names |= {f"{split}{way}_recall_at_{k}" for way in ("t2i", "i2t") for k in (1, 5)}
    names |= {f"towers_{a}_of_{k}" for a in ASKED for k in (1, 2, 3)}
    assert set(found["metrics"]) == names
    for metric in found["metrics"].values():
        assert set(metric) >= {"value", "n", "chance"}
        assert metric["n"] == 6


def test_measure_for_people_says_what_guessing_gives(mmcourse, untrained):
    status, out, _ = mmcourse("measure", "joint", "--weights", untrained, "--n", 5)
    assert status == 0
    line = next(line for line in out.splitlines() if line.startswith("zero_shot_mood"))
    assert "n=5" in line
    assert "chance 0.2500" in line


def test_help_lists_every_command(mmcourse):
    status, out, err = mmcourse("--help")
    assert status == 0
    for command in (
        "train",
        "measure",
        "doctor",
        "exercises",
        "check",
        "progress",
        "app",
        "sample",
        "story",
    ):
        assert command in out + err


def test_the_package_runs_as_a_module():
    command = [sys.executable, "-m", "mmcourse", "train", "jiont"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("mmcourse: no model is called 'jiont'")


@pytest.mark.parametrize(("flags", "picked"), [({"avx512_bf16"}, "bf16"), ({"avx2"}, "no")])
def test_by_default_training_says_which_precision_it_picks(
    mmcourse, tmp_path, monkeypatch, flags, picked
):
    seen = []
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    monkeypatch.setattr("mmcourse.devices.cpu_flags", lambda: flags)
    monkeypatch.setattr("mmcourse.joint.recipe.train_joint", lambda *given: seen.append(given))
    status, out, err = mmcourse("train", "joint", "--tier", "smoke", "--out", tmp_path)
    assert (status, out, err) == (0, "", f"on this cpu: --precision {picked}\n")
    assert seen == [(tmp_path, "smoke", 0, picked)]
    assert mmcourse("train", "joint", "--out", tmp_path, "--precision", "no")[2] == ""
    assert seen[1][-1] == "no"
