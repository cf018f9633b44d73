"""Benchmarks run, at tiny sizes, and print what the book's table and claims read.

No time is asserted: that would fail on a busy machine and prove nothing on an idle one.
"""

import importlib.util
import json
import math
import sys
from pathlib import Path

import pytest
from scripts import a_fork, a_python

FOLDER = Path(__file__).parents[2] / "benchmarks"
KEYS = {"quantity", "ours", "peer", "ratio", "better", "sizes", "versions", "threads"}
SCRIPTS = sorted(FOLDER.glob("[a-z]*.py"))


def test_there_are_benchmarks():
    assert {script.stem for script in SCRIPTS} >= {"clip_loss", "render"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_benchmark_prints_one_object_with_all_its_fields(script):
    run = a_python if script.stem == "render" else a_fork
    answer = run(script, "--json", "--small", "--rounds", "2")
    assert answer.returncode == 0, answer.stderr
    result = json.loads(answer.stdout)  # one object and nothing else
    assert result.keys() >= KEYS
    assert result["better"] in ("lower", "higher")
    for number in ("ours", "peer", "ratio"):
        assert math.isfinite(result[number])
        assert result[number] > 0
    assert result["ratio"] == pytest.approx(result["ours"] / result["peer"])
    assert result["threads"] == 1
    assert result["versions"]["torch"]
    assert result["sizes"]["rounds"] == 2


def test_people_get_lines_rather_than_json():
    answer = a_fork(FOLDER / "clip_loss.py", "--small", "--rounds", "1")
    assert answer.stdout.startswith("milliseconds")
    assert "ratio" in answer.stdout


def test_no_rounds_are_refused_without_a_traceback():
    answer = a_fork(FOLDER / "render.py", "--rounds", "0")
    assert answer.returncode == 2
    assert "--rounds must be 1 or more, got 0" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.fixture(scope="module")
def timing():
    spec = importlib.util.spec_from_file_location("_timing", FOLDER / "_timing.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["_timing"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["_timing"]


def test_the_two_take_turns_and_who_goes_first_changes(timing, monkeypatch):
    clock, order = [0.0], []

    def works(name, seconds):
        def call():
            order.append(name)
            clock[0] += seconds

        return call

    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])
    found = timing.in_turns(works("ours", 2.0), works("peer", 3.0), rounds=3)
    assert found == (2.0, 3.0)
    assert order[2:] == ["ours", "peer", "peer", "ours", "ours", "peer"]


def test_the_results_that_are_kept_have_all_their_fields():
    for script in SCRIPTS:
        kept = script.with_suffix(".json")
        if kept.exists():
            result = json.loads(kept.read_text(encoding="utf-8"))
            assert result.keys() >= KEYS
            assert result["ratio"] == pytest.approx(result["ours"] / result["peer"])
