"""A ~ is the home folder wherever a path is taken, and links are followed once."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mmcourse.caching import cache_folder
from mmcourse.checkpoints import load_checkpoint, save_checkpoint
from mmcourse.datasets import cifar10, fashion_mnist, folder
from mmcourse.hub import find_folder
from mmcourse.paths import shown, user_path
from mmcourse.pictures import load_picture


@pytest.fixture
def home(tmp_path, monkeypatch):
    place = tmp_path / "home"
    place.mkdir()
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.chdir(tmp_path)
    return place


def test_a_tilde_is_home(home, monkeypatch):
    (home / "set").mkdir()
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(home / "set" / "a.png")
    assert len(folder("~/set", size=4)) == 1
    assert load_picture("~/set/a.png").size == (4, 4)
    assert find_folder("~/set") == home / "set"
    model = torch.nn.Linear(1, 1)
    save_checkpoint("~/c.pt", step=3, model=model)
    assert (home / "c.pt").exists()
    assert load_checkpoint("~/c.pt", model=model) == 3
    monkeypatch.setenv("MMCOURSE_CACHE", "~/kept")
    assert cache_folder() == home / "kept"
    with pytest.raises(ValueError, match="in ~/data: "):
        cifar10(root="~/data")
    assert not Path("~").exists()  # a folder of that name, here


@pytest.mark.parametrize(
    ("root", "where", "told"),
    [
        ("/", "/srv/data", "/srv/data"),
        ("/srv", "/srv/data", "~/data"),
        ("/srv", "/srv2", "/srv2"),
        ("/srv", "/a/srv", "/a/srv"),
        ("/srv", "/srv", "~"),
    ],
)
def test_a_path_is_shortened_only_beneath_home(monkeypatch, root, where, told):
    monkeypatch.setenv("HOME", root)
    assert shown(where) == told


def test_a_message_shows_the_path_as_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", "/")
    with pytest.raises(ValueError, match=f"in {tmp_path}/nothing: "):
        fashion_mnist(root=tmp_path / "nothing")


def test_nobodys_home_is_one_line():
    with pytest.raises(ValueError, match="~nobody-of-this-name/x: whose home"):
        user_path("~nobody-of-this-name/x")


def test_linked_folders_are_part_of_a_set(tmp_path):
    picture = Image.fromarray(np.zeros((4, 4, 3), np.uint8))
    for place in ("set", "elsewhere", "set/.hidden"):
        (tmp_path / place).mkdir()
        picture.save(tmp_path / place / "a.png")
    os.symlink(tmp_path / "elsewhere", tmp_path / "set" / "linked")
    os.symlink(tmp_path / "set", tmp_path / "elsewhere" / "parent")
    found = [str(path.relative_to(tmp_path)) for path in folder(tmp_path / "set", size=4).paths]
    assert sorted(found) == ["set/a.png", "set/linked/a.png"]
