"""Arrays that are made once: the same from the disk as anew, and whole after a kill."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mmcourse import caching
from mmcourse.caching import BLOCK, cache_folder, cached


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("MMCOURSE_CACHE", str(tmp_path))
    return tmp_path


class Maker:
    """Squares, and a note of what was asked for."""

    def __init__(self) -> None:
        self.asked: list[range] = []

    def __call__(self, indices: range) -> dict[str, np.ndarray]:
        self.asked.append(indices)
        squares = np.array(indices, dtype=np.int64) ** 2
        return {"squares": squares, "pairs": np.stack([squares, -squares], 1)}


def test_what_is_cached_is_what_was_made():
    n, make = 2 * BLOCK + 7, Maker()
    first = cached("squares", {"a": 1}, n, make, workers=1)
    again = cached("squares", {"a": 1}, n, make, workers=1)
    assert len(make.asked) == 3  # each block once
    for found in (first, again):
        assert torch.equal(found["squares"], torch.arange(n) ** 2)
        assert torch.equal(found["pairs"][:, 1], -(torch.arange(n) ** 2))


def test_fewer_examples_are_the_first_ones():
    make = Maker()
    cached("squares", {}, 2 * BLOCK, make, workers=1)
    some = cached("squares", {}, BLOCK + 3, make, workers=1)
    assert len(make.asked) == 2
    assert torch.equal(some["squares"], torch.arange(BLOCK + 3) ** 2)


def test_another_key_is_made_anew():
    make = Maker()
    cached("squares", {"seed": 0}, BLOCK, make, workers=1)
    cached("squares", {"seed": 1}, BLOCK, make, workers=1)
    assert len(make.asked) == 2


def test_a_killed_run_goes_on_with_the_next_block():
    class Killed(Maker):
        def __call__(self, indices: range) -> dict[str, np.ndarray]:
            if len(self.asked) == 1:
                raise KeyboardInterrupt
            return super().__call__(indices)

    with pytest.raises(KeyboardInterrupt):
        cached("squares", {}, 3 * BLOCK, Killed(), workers=1)
    make = Maker()
    found = cached("squares", {}, 3 * BLOCK, make, workers=1)
    assert [part.start for part in make.asked] == [BLOCK, 2 * BLOCK]
    assert torch.equal(found["squares"], torch.arange(3 * BLOCK) ** 2)


@pytest.mark.parametrize("left", [0, 1, 100])
def test_a_block_that_was_cut_short_is_made_again(elsewhere, left):
    n = 2 * BLOCK
    cached("squares", {}, n, Maker(), workers=1)
    first = min(elsewhere.rglob("*.npz"))
    first.write_bytes(first.read_bytes()[:left])
    make = Maker()
    found = cached("squares", {}, n, make, workers=1)
    assert make.asked == [range(BLOCK)]
    assert torch.equal(found["squares"], torch.arange(n) ** 2)


def test_a_block_with_a_bit_flipped_is_named(elsewhere):
    cached("squares", {}, BLOCK, Maker(), workers=1)
    (block,) = elsewhere.rglob("*.npz")
    whole = bytearray(block.read_bytes())
    whole[len(whole) // 3] ^= 1
    block.write_bytes(whole)
    with pytest.raises(ValueError, match=r"00000\.npz is damaged .*: delete it") as error:
        cached("squares", {}, BLOCK, Maker(), workers=1)
    assert "\n" not in str(error.value)


def test_a_handful_is_not_kept(elsewhere):
    found = cached("squares", {}, 5, Maker())
    assert found["squares"].tolist() == [0, 1, 4, 9, 16]
    assert not list(elsewhere.iterdir())


def test_none_is_refused():
    with pytest.raises(ValueError, match="n is 0, expected 1 or more"):
        cached("squares", {}, 0, Maker())


def test_the_folder_is_the_named_one_or_at_home(monkeypatch, tmp_path):
    monkeypatch.setenv("MMCOURSE_CACHE", "~/arrays")
    assert cache_folder() == Path.home() / "arrays"
    monkeypatch.delenv("MMCOURSE_CACHE")
    assert cache_folder() == Path.home() / ".cache" / "mmcourse"

    def nobody(cls=None):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(caching.Path, "home", nobody)
    assert cache_folder().name == "mmcourse-cache"
