"""Photographs that the scikit-image and scikit-learn wheels carry: real pictures, no download."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from mmcourse.pictures import to_tensor


@dataclass(frozen=True)
class Photograph:
    """Where a photograph is found, what it shows, and whom to thank."""

    source: str
    caption: str
    credit: str


PHOTOGRAPHS = {
    "astronaut": Photograph(
        "skimage astronaut",
        "a smiling astronaut in an orange space suit",
        "NASA, public domain",
    ),
    "cat": Photograph("skimage chelsea", "a close-up of a tabby cat", "Stefan van der Walt, CC0"),
    "coffee": Photograph(
        "skimage coffee", "a cup of coffee on a red saucer", "Rachel Michetti, CC0"
    ),
    "coins": Photograph(
        "skimage coins", "rows of old coins", "Brooklyn Museum, no known restrictions"
    ),
    "galaxies": Photograph(
        "skimage hubble_deep_field", "galaxies in the night sky", "NASA, public domain"
    ),
    "photographer": Photograph(
        "skimage camera", "a man looking through a camera on a tripod", "Lav Varshney, CC0"
    ),
    "rocket": Photograph(
        "skimage rocket", "a rocket on its launch pad at dusk", "SpaceX, public domain"
    ),
    "flower": Photograph("sklearn flower.jpg", "an orange dahlia", "vultilion, CC BY 2.0"),
    "temple": Photograph(
        "sklearn china.jpg", "a Chinese tower above a lake", "danielbuechele, CC BY 2.0"
    ),
}


def photographs(size: int | None = None) -> dict[str, Tensor]:
    """The photographs of `PHOTOGRAPHS` by name: float32 (3, H, W) in [-1, 1].

    With `size` each is cut to its centred square and resized to (3, size, size). A page that shows
    one says whom to thank: `PHOTOGRAPHS[name].credit`.

    Raises:
        ValueError: if scikit-image or scikit-learn is not installed.
    """
    return {name: to_tensor(_read(photo.source), size) for name, photo in PHOTOGRAPHS.items()}


def _read(source: str) -> np.ndarray:
    library, name = source.split()
    try:
        if library == "skimage":
            import skimage.data

            return getattr(skimage.data, name)()
        from sklearn.datasets import load_sample_image

        return load_sample_image(name)
    except ModuleNotFoundError as error:
        raise ValueError(f"{error.name} is not installed: pip install 'mmcourse[labs]'") from None
