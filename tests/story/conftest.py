"""A library in memory, the simplest team, and folders of hub models."""

import importlib.util
from pathlib import Path

import pytest

from mmcourse.story.backends.fake import fake_backend
from mmcourse.story.library import Library
from mmcourse.story.team import Team


@pytest.fixture
def library():
    found = Library(":memory:")
    yield found
    found.close()


@pytest.fixture
def team():
    return Team([fake_backend()])


@pytest.fixture(scope="session")
def hub_folders(tmp_path_factory):
    """The folder of a kind of model ("clip", "llava", ...), made when it is first asked for."""
    spec = importlib.util.spec_from_file_location(
        "hub_folders", Path(__file__).parent / "hub_folders.py"
    )
    make = importlib.util.module_from_spec(spec)
    root, made = tmp_path_factory.mktemp("hub"), {}

    def folder(kind):
        if not made:
            spec.loader.exec_module(make)
        if kind not in made:
            made[kind] = str(getattr(make, f"make_{kind}")(root / kind))
        return made[kind]

    folder.make = make
    return folder
