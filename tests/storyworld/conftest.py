"""A few thousand scenes, drawn from the world once for all tests of it."""

import pytest

from mmcourse.storyworld import Scene, sample_scene

SIZES = {"train": 5000, "val": 500, "test": 500, "compositional": 2000}


@pytest.fixture(scope="session")
def scenes() -> dict[str, list[Scene]]:
    """The first scenes of every split."""
    return {split: [sample_scene(split, i) for i in range(n)] for split, n in SIZES.items()}
