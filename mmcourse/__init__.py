"""Multimodal AI from scratch: the package behind the book.

Each chapter is a subpackage that can be read from top to bottom: `storyworld` (the world that all
models learn), `joint` (chapter 1). `setup` starts a lab; `claim` records a result of one.
"""

from typing import Any

from mmcourse._version import __version__

__all__ = ["Lab", "__version__", "claim", "setup"]


def __getattr__(name: str) -> Any:
    """Load PyTorch when a lab starts, not when the command line prints its help."""
    if name in __all__:
        from mmcourse import lab

        return getattr(lab, name)
    raise AttributeError(f"module 'mmcourse' has no attribute {name!r}")
