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


def beside(name):
    """A module of this folder, not yet executed."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    return spec, importlib.util.module_from_spec(spec)


@pytest.fixture(scope="session")
def tiny_folders(tmp_path_factory):
    """The folder of one of the course's own models ("clip", "writer", ...), made when it is first
    asked for."""
    spec, make = beside("tiny_folders")
    root, made = tmp_path_factory.mktemp("tiny"), {}

    def folder(kind):
        if not made:
            spec.loader.exec_module(make)
        if kind not in made:
            made[kind] = make.make(kind, root / kind)
        return made[kind]

    return folder


@pytest.fixture(scope="session")
def hub_folders(tmp_path_factory):
    """The folder of a kind of model ("clip", "llava", ...), made when it is first asked for."""
    spec, make = beside("hub_folders")
    root, made = tmp_path_factory.mktemp("hub"), {}

    def folder(kind):
        if not made:
            spec.loader.exec_module(make)
        if kind not in made:
            made[kind] = str(getattr(make, f"make_{kind}")(root / kind))
        return made[kind]

    folder.make = make
    return folder


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub on this machine, and an empty cache for what comes from it."""
    import huggingface_hub

    spec, served = beside("hub_server")
    spec.loader.exec_module(served)
    found = served.Hub()
    monkeypatch.setenv("HF_ENDPOINT", found.address)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (("HF_HUB_CACHE", str(tmp_path / "cache")), ("HF_HUB_OFFLINE", False)):
        monkeypatch.setattr(huggingface_hub.constants, name, value)
    found.commit = served.COMMIT
    yield found
    found.close()
