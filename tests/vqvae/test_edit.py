"""Cells of a mask, and grids pasted into grids."""

import pytest
import torch

from mmcourse.storyworld import Character, Scene
from mmcourse.vqvae.edit import cells_of, cells_showing, transplant


def test_a_cell_counts_from_its_least_share_on() -> None:
    mask = torch.zeros(8, 12, dtype=torch.bool)
    mask[0, :4] = True  # a quarter of the first cell
    mask[4:7, 5:8] = True  # 9 of 16 pixels of the cell in row 1, column 1
    assert cells_of(mask, 4).tolist() == [[True, False, False], [False, True, False]]
    assert cells_of(mask, 4, 0.3).tolist() == [[False, False, False], [False, True, False]]
    assert not cells_of(mask, 4, 0.6).any()


def test_a_character_is_found_on_its_side() -> None:
    fox = Character("fox", "red", position="left", name="Pip")
    owl = Character("owl", "blue", position="right", name="Una")
    scene = Scene(characters=(fox, owl), place="beach")
    left = cells_showing(scene, ["character:left"])
    right = cells_showing(scene, ["character:right"])
    assert left.shape == (16, 16)
    columns = torch.arange(16.0)
    middle = lambda cells: (cells.float().sum(0) * columns).sum() / cells.sum()  # noqa: E731
    assert middle(left) < 7 < 8 < middle(right)
    both = cells_showing(scene, ["character:left", "character:right"])
    assert (both | ~(left | right)).all()
    sky = cells_showing(scene, ["sky"])
    assert sky[0].float().mean() > 0.5
    assert not sky[-1].any()


def test_only_the_cells_that_are_meant_change() -> None:
    a, b = torch.arange(6).view(2, 3), torch.arange(6).view(2, 3) + 10
    where = torch.tensor([[True, False, False], [False, False, True]])
    assert transplant(a, b, where).tolist() == [[10, 1, 2], [3, 4, 15]]
    assert a.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(ValueError, match="does not divide"):
        cells_of(torch.zeros(6, 8, dtype=torch.bool), 4)
    with pytest.raises(ValueError, match="no label is called 'moon'"):
        cells_showing(Scene(characters=(Character("fox", "red"),)), ["moon"])
    with pytest.raises(ValueError, match="one shape"):
        transplant(torch.zeros(2, 3), torch.zeros(2, 2), torch.zeros(2, 3, dtype=torch.bool))
