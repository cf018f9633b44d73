"""What a run has to be resumed with: a checkpoint tells it, and refuses to go on otherwise.

    settings = Settings(steps=steps, batch_size=batch_size, seed=seed, data=sample_of(data))
    state = {"settings": settings, "model": model, "optimiser": optimiser}   # settings come first
    load_checkpoint("run.pt", **state)

A checkpoint of a run that told none is gone on with unasked.

Another seed or batch size would show some examples twice and others never, without a word.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import torch
from torch import Tensor

KINDS = (int, float, str)
SAMPLED = 16
"""Examples that `sample_of` looks at."""


class Settings:
    """Settings by name, to be saved among the objects of a checkpoint.

    Args:
        told: numbers and words that the steps depend on.
    """

    def __init__(self, **told: int | float | str | None) -> None:
        self.told = told

    @classmethod
    def of(cls, plan: object, **told: int | float | str | None) -> Settings:
        """Those of a dataclass of numbers, but for how often it saves, and further ones."""
        numbers = {k: x for k, x in vars(plan).items() if k != "save_every"}
        plain = {k: x if x is None or isinstance(x, KINDS) else repr(x) for k, x in numbers.items()}
        return cls(**plain, **told)

    def state_dict(self) -> dict[str, int | float | str | None]:
        """What is saved."""
        return dict(self.told)

    def load_state_dict(self, state: Mapping[str, int | float | str | None]) -> None:
        """Compare them with those that were saved.

        Raises:
            ValueError: one that is another now, by its name, with both values.
        """
        for name in sorted(self.told.keys() | state.keys()):
            was, now = state.get(name), self.told.get(name)
            if was != now:
                raise ValueError(
                    f"{name} was {was!r}, now it is {now!r}; go on with what it was, or delete the "
                    "checkpoint to start again"
                )


def sample_of(data: Tensor) -> str:
    """What tells a data set (N, ...) from others: its shape, and a checksum of some examples."""
    some = data[torch.linspace(0, max(len(data) - 1, 0), min(SAMPLED, len(data))).long()]
    flat = some.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    return f"{tuple(data.shape)} {zlib.crc32(flat.numpy().tobytes()):08x}"
