"""What an adapter is: how wide, how strong, and which layers it changes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from mmcourse.lora.formulas import update_scale

__all__ = ["LoRAConfig"]


@dataclass(frozen=True)
class LoRAConfig:
    """The numbers of an adapter, as they are saved beside its weights.

    Args:
        targets: which layers, by their paths in the model. Names match the end of a path
            ("q_proj" is every layer of that name); a string is a regular expression for the whole
            path, which can say where in the model as well.
        rank: r, columns of B and rows of A.
        alpha: the update counts by alpha / rank.
        dropout: share of the inputs that the update does not see, while training.
        rs: count by alpha / sqrt(rank) instead, so that large ranks don't learn more slowly
            (Kalajdzievski, A Rank Stabilization Scaling Factor for Fine-Tuning with LoRA, 2023).
        dora: learn the length of each row of the weight by itself (see `dora`).

    Raises:
        ValueError: no targets, or a pattern that is none; a rank below 1, a strength that is no
            number, or a dropout that is no share.
    """

    targets: tuple[str, ...] | str
    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0
    rs: bool = False
    dora: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", checked(self.targets))
        if isinstance(self.rank, bool) or not isinstance(self.rank, int) or self.rank < 1:
            raise ValueError(f"rank is {self.rank!r}, expected a whole number from 1 on")
        if not is_number(self.alpha):
            raise ValueError(f"alpha is {self.alpha!r}, expected a number; 16 is usual")
        if not (is_number(self.dropout) and 0.0 <= self.dropout < 1.0):
            raise ValueError(f"dropout is {self.dropout!r}, expected a share from 0 to below 1")

    @property
    def scale(self) -> float:
        """By what B A x is multiplied."""
        return update_scale(self.alpha, self.rank, self.rs)


def checked(targets: Iterable[str] | str) -> tuple[str, ...] | str:
    """Targets as a tuple of names, or as the pattern that they are.

    Raises:
        ValueError: none, something else than strings, or a pattern that cannot be read.
    """
    if isinstance(targets, str):
        try:
            re.compile(targets)
        except re.error as error:
            raise ValueError(f"targets {targets!r} is no regular expression: {error}") from None
    elif not isinstance(targets, Iterable) or not all(isinstance(t, str) for t in targets):
        raise ValueError(f"targets is {targets!r}, expected names of layers or a pattern")
    else:
        targets = tuple(targets)
    if not targets:
        raise ValueError("targets is empty: name layers, say ('q_proj', 'v_proj')")
    return targets


def is_number(value: object) -> bool:
    """Whether a value is a finite int or float."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
