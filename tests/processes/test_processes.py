"""Two processes train as one with the whole batch does: every loop, one launch of torchrun."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmcourse import processes
from mmcourse.runs import Run

SCRIPT = Path(__file__).with_name("every_loop.py")
spec = importlib.util.spec_from_file_location("every_loop", SCRIPT)
every_loop = importlib.util.module_from_spec(spec)
spec.loader.exec_module(every_loop)


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """What two processes found, and one."""
    out = tmp_path_factory.mktemp("processes") / "out.json"
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    quiet = {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    answer = subprocess.run(
        [sys.executable, *launch, str(SCRIPT), str(out)],
        env={**os.environ, **quiet},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-4000:]
    found = json.loads(out.read_text(encoding="utf-8"))
    side = every_loop.judge_network.SIDE
    alone = every_loop.run(1)
    every_loop.judge_network.SIDE = side
    return found, alone


def test_there_were_two(together):
    assert together[0]["processes"] == 2


@pytest.mark.parametrize("name", every_loop.LOOPS)
def test_a_step_tells_what_one_process_with_the_whole_batch_tells(together, name):
    two, one = (found[name]["told"] for found in (together[0]["loops"], together[1]))
    assert len(two) == every_loop.STEPS
    for ours, alone in zip(two, one, strict=True):
        assert ours == pytest.approx(alone, rel=4e-4, abs=2e-6)
    losses = [row["loss"] for row in one]
    assert max(losses) > min(losses) * 1.0001  # it did learn something


@pytest.mark.parametrize("name", every_loop.LOOPS)
def test_all_processes_end_with_the_same_weights_and_codebook(together, name):
    first, second = together[0]["loops"][name]["ends"]
    assert first == second
    assert first == pytest.approx(together[1][name]["ends"][0], rel=1e-3)


def test_alone_nothing_is_shared():
    x = torch.arange(6.0).view(3, 2)
    assert processes.gather(x) is x
    assert processes.total(x) is x
    assert processes.my_rows(3) == slice(0, 3)
    assert processes.weight_of(torch.tensor(7)) == 1
    assert processes.means({"a": torch.tensor(2.5)}) == {"a": 2.5}


def test_only_the_first_process_writes_into_a_runs_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    run = Run(tmp_path / "run", "a command", "some sources")
    steps = iter([{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}])
    run.follow(steps, 2, ("loss",))
    assert not list(steps)
    assert not run.main
    assert not (tmp_path / "run").exists()
