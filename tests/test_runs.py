"""The folder of a run: whose it is, how long it took, and that a refusal changes nothing in it."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file

from mmcourse import runs
from mmcourse.cards import load_card
from mmcourse.runs import PRECISIONS, Run, check_precision, history

MINE = ("mmcourse train judge --tier full", "0a" * 32)


class Clock:
    """Time passes when the test says so."""

    now = 1000.0

    def time(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    found = Clock()
    monkeypatch.setattr(runs, "time", SimpleNamespace(time=found.time))
    return found


def steps(numbers, clock=None):
    for step in numbers:
        if clock is not None:
            clock.now += 10
        yield {"step": step, "loss": 1 / step}


def rows(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def broken(folder, clock):
    """A run of three steps that was killed a while ago, with its checkpoint."""
    run = Run(folder, *MINE)
    run.follow(steps([1, 2, 3], clock), 5, ("loss",))
    (folder / "checkpoint.pt").write_bytes(b"weights")
    clock.now += 9999


def test_a_new_folder_is_made_and_signed(tmp_path):
    Run(tmp_path / "deep" / "run", *MINE)
    note = json.loads((tmp_path / "deep" / "run" / "run.json").read_text())
    assert note == {"command": MINE[0], "sources": MINE[1]}


def test_following_logs_a_row_for_each_step(tmp_path, clock, capsys):
    run = Run(tmp_path, *MINE)
    run.follow(steps([1, 2], clock), 2, ("loss",), stage="strangers")
    run.follow(steps([1, 2, 3], clock), 3, ("loss",))
    assert rows(tmp_path) == run.log_rows()
    assert rows(tmp_path) == [
        {"stage": "strangers", "step": 1, "loss": 1.0, "seconds": 10.0},
        {"stage": "strangers", "step": 2, "loss": 0.5, "seconds": 20.0},
        {"step": 1, "loss": 1.0, "seconds": 30.0},
        {"step": 2, "loss": 0.5, "seconds": 40.0},
        {"step": 3, "loss": 1 / 3, "seconds": 50.0},
    ]
    assert run.seconds == 50
    shown = capsys.readouterr().err
    assert "strangers" in shown
    assert "loss=0.333" in shown


def test_a_step_need_not_tell_all_that_the_bar_shows(tmp_path, capsys):
    told = [{"step": 1, "loss": 1.0, "missed": 0.25}, {"step": 2, "loss": 0.5}]
    run = Run(tmp_path, *MINE)
    run.follow(iter(told), 2, ("loss", "missed"))
    assert run.log_rows()[1].keys() == {"step", "loss", "seconds"}
    assert "missed=0.250" in capsys.readouterr().err


def test_the_bar_of_a_resumed_run_begins_where_the_run_is(tmp_path, clock, capsys):
    broken(tmp_path, clock)
    capsys.readouterr()
    Run(tmp_path, *MINE).follow(steps([3, 4, 5], clock), 5, ("loss",))
    shown = capsys.readouterr().err
    assert "2/5" in shown
    assert "5/5" in shown
    assert "0/5" not in shown


def test_what_was_logged_before_a_kill_is_on_the_disk(tmp_path):
    seen = []

    def until_killed():
        for metrics in steps([1, 2]):
            yield metrics
            seen.append(len(rows(tmp_path)))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Run(tmp_path, *MINE).follow(until_killed(), 9, ())
    assert seen == [1, 2]


def test_the_same_command_goes_on_and_so_do_its_seconds(tmp_path, clock):
    broken(tmp_path, clock)
    run = Run(tmp_path, *MINE)
    assert run.seconds == 30, "the time between counts as if it had run"
    run.follow(steps([4, 5], clock), 5, ("loss",))
    assert [(row["step"], row["seconds"]) for row in rows(tmp_path)] == [
        (1, 10), (2, 20), (3, 30), (4, 40), (5, 50)
    ]  # fmt: skip
    assert (tmp_path / "checkpoint.pt").read_bytes() == b"weights"


def test_steps_that_are_taken_again_stand_in_the_log_once(tmp_path, clock):
    """Killed at step 4 with a checkpoint at 2, and in the midst of a line."""
    run = Run(tmp_path, *MINE)
    run.follow(steps([1, 2], clock), 2, ("loss",), stage="first")
    run.follow(steps([1, 2, 3, 4], clock), 5, ("loss",))
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write('{"step": 5, "lo')
    (tmp_path / "checkpoint.pt").write_bytes(b"weights")
    again = Run(tmp_path, *MINE)
    again.follow(steps([3, 4, 5], clock), 5, ("loss",))
    found = [(row.get("stage"), row["step"]) for row in rows(tmp_path)]
    assert found == [("first", 1), ("first", 2), *((None, k) for k in range(1, 6))]
    seconds = [row["seconds"] for row in rows(tmp_path)]
    assert seconds == sorted(seconds)


def test_a_note_that_was_cut_off_is_one_line(tmp_path):
    Run(tmp_path, *MINE)
    (tmp_path / "checkpoint.pt").write_bytes(b"weights")
    (tmp_path / "run.json").write_text('{"comm')
    with pytest.raises(ValueError, match=r"run\.json is not readable"):
        Run(tmp_path, *MINE)


def test_a_run_killed_before_its_first_logged_step_goes_on(tmp_path, clock):
    Run(tmp_path, *MINE)
    (tmp_path / "checkpoint.pt").write_bytes(b"weights")
    assert Run(tmp_path, *MINE).seconds == 0


@pytest.mark.parametrize(
    ("command", "sources", "named"),
    [
        ("mmcourse train judge --seed 7", MINE[1], f"a run of `{MINE[0]}`.*--seed 7`.*--out"),
        (MINE[0], "0b" * 32, f"a run of other code.*{MINE[0]}.*--out"),
        ("mmcourse train judge --seed 7", "0b" * 32, f"a run of `{MINE[0]}`"),
    ],
)
def test_anothers_checkpoint_is_refused_and_kept(tmp_path, clock, command, sources, named):
    broken(tmp_path, clock)
    refused(tmp_path, command, sources, named)


@pytest.mark.parametrize("name", ["checkpoint.pt", "checkpoint-siblings.pt"])
def test_a_checkpoint_that_nobody_signed_is_refused_and_kept(tmp_path, name):
    (tmp_path / name).write_bytes(b"weights")
    (tmp_path / "log.jsonl").write_text('{"step": 1, "seconds": 5}\n')
    refused(tmp_path, *MINE, "an unknown command")


def refused(folder, command, sources, named):
    before = {file: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(ValueError, match=named) as error:
        Run(folder, command, sources)
    assert "\n" not in str(error.value)
    assert str(folder) in str(error.value)
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


METRICS = {"recall": {"value": 0.5, "n": 5, "chance": 0.2, "band": 0.02}}


def finish(folder):
    """End a run whose weights are saved."""
    save_file({"w": torch.zeros(1)}, folder / "model.safetensors")
    run = Run(folder, *MINE)
    run.finish("judge", "smoke", 3, data="none", metrics=METRICS, history={"step": [1]})


def test_the_card_tells_of_the_run(tmp_path, clock):
    broken(tmp_path, clock)
    finish(tmp_path)
    card = load_card(tmp_path)  # complete, and of these weights
    assert (card["command"], card["sources"]) == MINE
    assert (card["name"], card["tier"], card["seed"]) == ("judge", "smoke", 3)
    assert (card["data"], card["metrics"], card["history"]) == ("none", METRICS, {"step": [1]})
    assert card["wall_time_s"] == 30  # without the time between kill and resumption


def test_finishing_deletes_the_checkpoints_alone(tmp_path, clock):
    broken(tmp_path, clock)
    kept = ("model.safetensors", "checkpoints.md", "my-checkpoint.pt")
    for name in (*kept, "checkpoint-siblings.pt"):
        (tmp_path / name).write_bytes(b"")
    finish(tmp_path)
    left = {*kept, "run.json", "log.jsonl", "card.json"}
    assert {file.name for file in tmp_path.iterdir()} == left


def test_a_finished_folder_starts_afresh_under_any_command(tmp_path, clock):
    broken(tmp_path, clock)
    finish(tmp_path)
    run = Run(tmp_path, "mmcourse train judge --seed 7", MINE[1])
    assert run.seconds == 0
    assert run.log_rows() == []
    assert "--seed 7" in (tmp_path / "run.json").read_text()


def test_the_history_keeps_the_mean_of_each_part_of_the_steps():
    rows = [{"contrast": 1.0 * k, "matched": k / 10, "named": k / 100} for k in range(10)]
    names = ("contrast", "matched", "named")
    kept = history(rows, names, points=4)
    assert kept["step"] == [3, 6, 9, 10]
    assert kept["contrast"] == [1, 4, 7, 9]
    assert kept["matched"] == [0.1, 0.4, 0.7, 0.9]
    assert kept["named"] == [0.01, 0.04, 0.07, 0.09]
    assert history([], names) == {"step": [], "contrast": [], "matched": [], "named": []}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_precision_that_exists_is_fine(precision):
    check_precision(precision)


@pytest.mark.parametrize("precision", ["half", "", "FP16", "float16"])
def test_a_precision_that_does_not_is_refused(precision):
    with pytest.raises(ValueError, match=f"is '{precision}'; choose one of no, bf16, fp16"):
        check_precision(precision)


@pytest.mark.skipif(runs.fcntl is None, reason="this system has no locks of files")
def test_a_second_process_is_refused_in_one_line_and_welcome_after_a_kill(tmp_path):
    holder = (
        "import fcntl, sys; file = open(sys.argv[1], 'w'); "
        "fcntl.lockf(file, fcntl.LOCK_EX); print('mine', flush=True); sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", holder, tmp_path / "run.lock"], **pipes) as other:
        assert other.stdout.readline() == "mine\n"
        with pytest.raises(
            ValueError, match=r"another process is at work in .*choose another --out"
        ):
            Run(tmp_path, *MINE)
        assert not (tmp_path / "run.json").exists()
        other.kill()
    Run(tmp_path, *MINE)
    assert (tmp_path / "run.json").exists()


def test_a_damaged_line_is_named(tmp_path):
    run = Run(tmp_path, "c", "s")
    (tmp_path / "log.jsonl").write_text('{"step": 1}\n{"st\n{"step": 3}\n')
    with pytest.raises(ValueError, match=r"line 2 of .*log.jsonl is damaged"):
        run.log_rows()
