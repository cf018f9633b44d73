"""What a storyteller and its file are given that is no picture, no number, or no longer whole."""

import shutil

import numpy as np
import pytest
from PIL import Image

from mmcourse.story import copies, vectors
from mmcourse.story.craft import run
from mmcourse.story.framework import Storyteller
from mmcourse.story.library import Library
from mmcourse.story.story import Settings

SMALL = Settings(size=16)


def refusal(told, function, *given, **named):
    with pytest.raises(ValueError, match=told) as error:
        function(*given, **named)
    assert "\n" not in str(error.value)


@pytest.fixture
def file(tmp_path, team):
    library = Library(tmp_path / "stories.db")
    for seed in range(3):
        run(Storyteller(library, team).start("", "a fox", settings=SMALL, seed=seed))
    library.close()
    return tmp_path / "stories.db"


def test_a_library_that_is_damaged_inside_says_so_and_stays_as_it_is(file):
    whole = bytearray(file.read_bytes())
    for place in range(2 * 4096, len(whole), 97):
        whole[place] ^= 0xFF
    file.write_bytes(whole)
    shutil.copy(file, file.with_name("before.db"))

    def read():
        library = Library(file)
        try:
            for listed in library.stories():
                library.open(listed.id)
        finally:
            library.close()

    refusal("damaged|cannot be read as a library", read)
    assert file.read_bytes() == file.with_name("before.db").read_bytes()


@pytest.mark.parametrize("place", ["folder", "file/below", "text"])
def test_what_is_no_library_is_left_alone(tmp_path, place):
    (tmp_path / "folder").mkdir()
    for name in ("file", "text"):
        (tmp_path / name).write_text("mine " * 1000)
    refusal("cannot be opened|cannot be read as a library", Library, tmp_path / place)
    assert (tmp_path / "text").read_text() == "mine " * 1000


@pytest.mark.parametrize(
    "picture", [Image.new("RGB", (0, 4)), np.zeros((4, 4, 3), np.uint8), "fox.png"]
)
def test_what_shows_nothing_begins_no_story(library, team, picture):
    teller = Storyteller(library, team)
    refusal("shows nothing", lambda: run(teller.start("", "", picture=picture, settings=SMALL)))
    assert not library.stories()


@pytest.mark.parametrize("scenes", [0, -1, 1.5, 10**9])
def test_a_story_has_a_whole_number_of_scenes(library, team, scenes):
    teller = Storyteller(library, team)
    refusal("a story has 1 to 200 scenes", lambda: run(teller.tell("a fox", scenes=scenes)))


@pytest.mark.parametrize(
    ("query", "rows", "scenes", "told"),
    [
        ([1.0, 0.0, 0.0], [[1.0, 0.0]], [1], "D numbers"),
        ([float("nan"), 0.0], [[1.0, 0.0]], [1], "NaN"),
        ([1.0, 0.0], [[1.0, 0.0]], [1, 1], "a scene for each row, got 2 for 1"),
    ],
)
def test_memories_that_do_not_fit_are_named(query, rows, scenes, told):
    refusal(told, vectors.nearest_on_path, query, rows, scenes, [1], 3)


def test_nothing_is_remembered_of_nothing():
    assert vectors.nearest_on_path([1.0, 0.0], [], [], [1], 3) == []


@pytest.mark.parametrize("shape", [(4, 5, 3), (0, 0, 3)])
def test_pictures_that_cannot_be_compared_are_refused(shape):
    picture = np.zeros((4, 4, 3) if shape[0] else shape, np.uint8)
    refusal("pictures of one shape, with pixels", copies.faults, picture, np.zeros(shape), [])
