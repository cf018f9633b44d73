"""Experiments run, at tiny sizes, and each has left its results beside itself."""

import json
from pathlib import Path

import pytest
from scripts import a_fork, a_python

FOLDER = Path(__file__).parents[2] / "experiments"
SCRIPTS = sorted(FOLDER.glob("[a-z]*.py"))


def keys(value):
    """The names in a result, at any depth."""
    if not isinstance(value, dict):
        return set()
    return set(value).union(*(keys(v) for v in value.values())) if value else set()


def test_there_are_experiments():
    assert "storyworld_words" in {script.stem for script in SCRIPTS}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_small_run_ends_and_leaves_the_results_alone(script):
    results = script.with_suffix(".json")
    before = results.read_bytes()
    run = a_python if script == SCRIPTS[0] else a_fork
    answer = run(script, "--small")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip()
    assert results.read_bytes() == before


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_results_say_what_made_them(script):
    results = json.loads(script.with_suffix(".json").read_text(encoding="utf-8"))
    assert results["command"] == f"python experiments/{script.name}"
    assert len(results["sources"]) == 64
    assert results["device"]
    assert {"torch", "numpy", "python"} <= set(results["versions"])
    assert "seed" in keys(results) or "seeds" in keys(results)
    assert "n" in keys(results)
