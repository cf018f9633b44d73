"""The page's recipe for a place and a species of one's own, followed on a copy of the package."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mmcourse

PACKAGE = Path(mmcourse.__file__).parent
ORCHARD = """

def _orchard(b: Sheet) -> None:
    b.hill(b.ground("#97c65f"), 0.80, 0.05, b.rng.random(), 0.5)
    for x in (0.15, 0.5, 0.85):
        b.cut(ellipse(x, 0.62, 0.12, 0.14), "#6fa04f")


PLACES["orchard"] = _orchard
"""
LOOK = """
from mmcourse.storyworld import Character, Scene, Tokenizer, describe
from mmcourse.storyworld import render
from mmcourse.storyworld.language.parse import read
scene = Scene((Character("badger", "blue"),), place="orchard")
told = describe(scene, 1)
assert read(told.text).facts == told.said and not read(told.text).unread
Tokenizer().encode(told.text)
assert render(scene, 64).tobytes() != render(Scene(scene.characters), 64).tobytes()
print(told.text)
"""


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(
        PACKAGE, tmp_path / "mmcourse", ignore=shutil.ignore_patterns("weights", "__pycache__")
    )
    return tmp_path


def edit(file, pattern, new):
    text, n = re.subn(pattern, new, file.read_text("utf-8"), count=1, flags=re.S | re.M)
    assert n == 1
    file.write_text(text, "utf-8")


def run(folder):
    return subprocess.run(
        [sys.executable, "-c", LOOK], cwd=folder, capture_output=True, text=True, timeout=300
    )


def follow(folder, words):
    world = folder / "mmcourse" / "storyworld"
    edit(world / "world/vocabulary.py", r"^(PLACES = \([^)]*)\)", r'\1, "orchard")')
    edit(world / "world/vocabulary.py", r"^(SPECIES = \([^)]*)\)", r'\1, "badger")')
    with (world / "drawing/places.py").open("a") as places:
        places.write(ORCHARD)
    with (world / "drawing/heads.py").open("a") as heads:
        heads.write('\nHEADS["badger"] = HEADS["bear"]\n')
    edit(world / "drawing/characters.py", r"^(GIRTH = \{)", r'\1"badger": 1.1, ')
    edit(world / "drawing/wardrobe.py", r"^(HAT_LINE = \{)", r'\1"badger": -0.9, ')
    if words:
        line = '    "orchard": ("in the orchard", "under the apple trees"),\n'
        edit(world / "language/words.py", r'^(    "meadow": )', line + r"\1")


def test_a_place_and_a_species_take_a_few_lines(copy):
    follow(copy, words=True)
    result = run(copy)
    assert result.returncode == 0, result.stderr
    assert "badger" in result.stdout
    assert "orchard" in result.stdout or "apple" in result.stdout


def test_a_place_without_words_is_refused_at_import(copy):
    follow(copy, words=False)
    result = run(copy)
    assert result.returncode != 0
    assert "no words for place orchard" in result.stderr
