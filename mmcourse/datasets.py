"""Real pictures in the course's conventions: CIFAR-10, Fashion-MNIST, folders, photographs.

StoryWorld is what the course trains on. These sets show that the same code works on pictures that
nobody drew for it. None of them is shipped; what is not on the machine is said to be missing, with
the way to get it, and nothing is downloaded unless `download=True`.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from mmcourse.paths import files_beneath, shown, user_path
from mmcourse.photographs import PHOTOGRAPHS, Photograph, photographs
from mmcourse.pictures import from_bytes, load_picture, to_bytes, to_image, to_tensor

__all__ = [
    "CIFAR10_CLASSES",
    "FASHION_CLASSES",
    "PHOTOGRAPHS",
    "Folder",
    "LabelledPictures",
    "Photograph",
    "cifar10",
    "class_caption",
    "fashion_mnist",
    "folder",
    "load_picture",
    "photographs",
    "to_image",
    "to_tensor",
]

CIFAR10_CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
FASHION_CLASSES = (
    "T-shirt", "pair of trousers", "pullover", "dress", "coat",
    "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
PICTURE_SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm",
)  # fmt: skip
CAPTION_TEMPLATES = (
    "a photo of {}", "a small picture of {}", "this is {}", "{} seen up close", "one can see {}",
)  # fmt: skip


class LabelledPictures(Dataset[tuple[Tensor, int]]):
    """Pictures with classes, held in memory as bytes.

    `pictures[i]` is a float32 (3, size, size) in [-1, 1] and its label; `pictures.batch(indices)`
    is (B, 3, size, size) and (B,) int64.

    Raises:
        IndexError: for an index out of range.
    """

    def __init__(
        self, pixels: Tensor, labels: Tensor, class_names: Sequence[str], size: int | None = None
    ) -> None:
        """Take pixels (N, 3, H, W) uint8, labels (N,) int64, and the side to resize to, if any."""
        self.pixels, self.labels, self.class_names = pixels, labels, tuple(class_names)
        self.size = pixels.shape[-1] if size is None else size
        if self.size < 1:
            raise ValueError(f"size is {size}, expected at least 1 pixel")

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        pictures, labels = self.batch(torch.tensor([index]))
        return pictures[0], int(labels[0])

    def resized(self) -> Tensor:
        """All pictures as bytes (N, 3, size, size): as they are read, not as they were stored."""
        if self.pixels.shape[-1] == self.size:
            return self.pixels
        parts = torch.arange(len(self)).split(1000)
        return torch.cat([to_bytes(self.batch(part)[0]) for part in parts])

    def batch(self, indices: Tensor | Sequence[int]) -> tuple[Tensor, Tensor]:
        """The pictures (B, 3, size, size) and labels (B,) of the given indices."""
        indices = torch.as_tensor(indices, dtype=torch.int64)
        wrong = indices[(indices < 0) | (indices >= len(self))]
        if len(wrong):
            raise IndexError(f"index {wrong[0].item()}, expected 0 to {len(self) - 1}")
        pictures = from_bytes(self.pixels[indices])  # (B, 3, H, W)
        if pictures.shape[-1] != self.size:
            side = (self.size, self.size)
            pictures = F.interpolate(pictures, side, mode="bicubic", antialias=True).clamp(-1, 1)
        return pictures, self.labels[indices]


class Folder(Dataset[Tensor]):
    """The pictures of a folder and its subfolders, in the order of their paths, read on demand.

    `pictures[i]` is a float32 (3, size, size) in [-1, 1], from the file `pictures.paths[i]`.

    Raises:
        ValueError: if a file is damaged or no picture; the message names it.
        IndexError: for an index out of range.
    """

    def __init__(self, paths: Sequence[Path], size: int) -> None:
        """Take the files, and the side of the square that each is cut and resized to."""
        self.paths, self.size = tuple(paths), size

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Tensor:
        if not 0 <= index < len(self):
            raise IndexError(f"index {index}, expected 0 to {len(self) - 1}")
        return to_tensor(self.paths[index], self.size)


def folder(path: str | Path, size: int = 64) -> Folder:
    """All pictures beneath a folder; hidden files are left out.

    Raises:
        ValueError: if there is no such folder, or no picture in it.
    """
    root = user_path(path)
    if not root.is_dir():
        raise ValueError(f"there is no folder {root}")
    files = [
        file
        for file in files_beneath(root)
        if file.suffix.lower() in PICTURE_SUFFIXES and file.is_file()
    ]
    if not files:
        raise ValueError(f"no pictures in {root}: expected files in {' '.join(PICTURE_SUFFIXES)}")
    return Folder(sorted(files, key=lambda file: file.relative_to(root).as_posix()), size)


def cifar10(
    split: str = "train",
    *,
    root: str | Path | None = None,
    npz: str | Path | None = None,
    size: int = 32,
    download: bool = False,
) -> LabelledPictures:
    """CIFAR-10: 60,000 photographs of 32 x 32 pixels in ten classes (Krizhevsky, 2009).

    They come from the first of these that is given: the file `npz`, the file or folder that the
    environment variable MMCOURSE_CIFAR10 names, the folder `root` (by default ~/.cache/mmcourse)
    where torchvision keeps them. An npz file holds train_images (N, 32, 32, 3) uint8, train_labels
    (N,), test_images, test_labels, and may be a part of the whole. Labels may be sorted: shuffle.

    Raises:
        ValueError: if the split is not "train" or "test", or the data are missing or damaged.
    """
    _check_split(split)
    told = npz or os.environ.get("MMCOURSE_CIFAR10")
    file = user_path(told) if told else None
    if file is not None and (npz or not file.is_dir()):
        pixels, labels = _read_npz(file, split)
    else:
        how = (
            "pass download=True (170 MB), or npz= the name of an .npz file; MMCOURSE_CIFAR10 may "
            "name such a file, or the folder that holds torchvision's cifar-10-batches-py"
        )
        root = file or root
        pixels, labels = _torchvision("CIFAR10", split, root, download, how)
    return LabelledPictures(pixels.permute(0, 3, 1, 2), labels, CIFAR10_CLASSES, size)


def fashion_mnist(
    split: str = "train",
    *,
    root: str | Path | None = None,
    size: int = 28,
    download: bool = False,
) -> LabelledPictures:
    """Fashion-MNIST: 70,000 grey pictures of clothes, 28 x 28, as RGB (Xiao et al., 2017).

    Raises:
        ValueError: if the split is not "train" or "test", or the data are missing or damaged.
    """
    _check_split(split)
    how = "pass download=True (30 MB)"
    pixels, labels = _torchvision("FashionMNIST", split, root, download, how)
    pixels = pixels[:, None].expand(-1, 3, -1, -1)  # (N, 3, 28, 28)
    return LabelledPictures(pixels, labels, FASHION_CLASSES, size)


def class_caption(label: int, index: int = 0, names: Sequence[str] = CIFAR10_CLASSES) -> str:
    """A caption for a class: "a photo of a cat"; `index` chooses among a few phrasings in turn.

    Raises:
        ValueError: if there is no such label.
    """
    if not 0 <= label < len(names):
        raise ValueError(f"label is {label}, expected 0 to {len(names) - 1}")
    name = names[label]
    article = "an" if name[0].lower() in "aeiou" else "a"
    return CAPTION_TEMPLATES[index % len(CAPTION_TEMPLATES)].format(f"{article} {name}")


def _check_split(split: str) -> None:
    if split not in ("train", "test"):
        raise ValueError(f"split is {split!r}, expected 'train' or 'test'")


def _torchvision(
    name: str, split: str, root: str | Path | None, download: bool, how: str
) -> tuple[Tensor, Tensor]:
    """The bytes and labels of one of torchvision's sets."""
    try:
        from torchvision import datasets
    except ModuleNotFoundError:
        raise ValueError("torchvision is not installed: pip install 'mmcourse[labs]'") from None
    place = user_path("~/.cache/mmcourse" if root is None else root)
    try:
        data = getattr(datasets, name)(place, train=split == "train", download=download)
    except (RuntimeError, OSError, ValueError, AssertionError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        what = f"could not be downloaded ({reason})" if download else "is not there or damaged"
        raise ValueError(f"{name} {what} in {shown(place)}: {how}") from None
    return torch.as_tensor(data.data), torch.as_tensor(data.targets)


def _read_npz(path: Path, split: str) -> tuple[Tensor, Tensor]:
    """CIFAR-10's bytes (N, 32, 32, 3) and labels (N,) out of an npz file."""
    if not path.is_file():
        raise ValueError(f"there is no CIFAR-10 file {path}: mend npz= or MMCOURSE_CIFAR10")
    try:
        with np.load(path, allow_pickle=False) as file:
            pixels, labels = file[f"{split}_images"], file[f"{split}_labels"]
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path} is damaged or not an npz with {split}_images, {split}_labels "
            f"({type(error).__name__}): get it again"
        ) from None
    fits = pixels.dtype == np.uint8 and pixels.shape[1:] == (32, 32, 3) and len(pixels) > 0
    if not fits or labels.shape != pixels.shape[:1] or not np.isin(labels, range(10)).all():
        raise ValueError(
            f"{path} has {split}_images {pixels.dtype} {pixels.shape} and labels {labels.shape}, "
            "expected uint8 (N, 32, 32, 3) and (N,) in 0 to 9"
        )
    return torch.from_numpy(pixels), torch.from_numpy(labels.astype(np.int64))
