"""What an adapter is: how wide, how strong, and which layers it changes."""

from __future__ import annotations

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
        ValueError: no targets, a rank below 1, or a dropout that is no share.
    """

    targets: tuple[str, ...] | str
    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0
    rs: bool = False
    dora: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.targets, str):
            object.__setattr__(self, "targets", tuple(self.targets))
        if not self.targets:
            raise ValueError("targets is empty: name layers, say ('q_proj', 'v_proj')")
        if isinstance(self.rank, bool) or not isinstance(self.rank, int) or self.rank < 1:
            raise ValueError(f"rank is {self.rank!r}, expected a whole number from 1 on")
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"dropout is {self.dropout}, expected a share from 0 to below 1")

    @property
    def scale(self) -> float:
        """By what B A x is multiplied."""
        return update_scale(self.alpha, self.rank, self.rs)
