"""Moving characters by codes, with an autoencoder that loses nothing: tiles by their number."""

import pytest
import torch

from mmcourse.vqvae import edit_measure
from mmcourse.vqvae.edit_measure import measure_moved, pairs


class Tiles(torch.nn.Module):
    """Every tile of 4 by 4 pixels that it meets is a code of its own."""

    factor = 4

    def __init__(self):
        super().__init__()
        self.known, self.numbers = [], {}
        self.anchor = torch.nn.Parameter(torch.zeros(()))

    def encode(self, x):
        tiles = x.unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 1, 4, 5)
        codes = torch.empty(tiles.shape[:3], dtype=torch.long)
        for at in torch.cartesian_prod(*(torch.arange(s) for s in tiles.shape[:3])).tolist():
            tile = tiles[tuple(at)]
            key = tile.numpy().tobytes()
            if key not in self.numbers:
                self.numbers[key] = len(self.known)
                self.known.append(tile)
            codes[tuple(at)] = self.numbers[key]
        return codes

    def decode(self, codes):
        table = torch.stack(self.known)[codes]  # (B, h, w, 3, 4, 4)
        return table.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)


def test_pairs_are_of_one_style_and_position_with_one_character_each():
    found = pairs(12)
    assert len(found) == 12
    for a, b in found:
        assert a.style == b.style
        assert len(a.characters) == len(b.characters) == 1
        assert a.characters[0].position == b.characters[0].position
    assert len({id(s) for pair in found for s in pair}) == 24


def test_without_loss_the_character_comes_along_and_the_scene_stays():
    found = measure_moved(Tiles(), 16)
    for name in ("species", "colour", "accessory"):
        assert found[name]["round_trip"] == 1
        assert found[name]["moved"] >= 0.8
    assert found["place"]["stays"] >= 0.8
    assert found["place"]["carried"] <= 0.5


def test_a_move_that_does_nothing_is_seen(monkeypatch):
    monkeypatch.setattr(edit_measure, "transplant", lambda codes, other, where: codes)
    found = measure_moved(Tiles(), 16)
    assert found["species"]["round_trip"] == 1
    assert found["species"]["moved"] <= 0.5
    assert found["place"]["stays"] == 1


def test_a_number_of_pairs_is_needed():
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        measure_moved(Tiles(), 0)
