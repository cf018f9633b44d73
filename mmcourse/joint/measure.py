"""Everything that the card of `joint` states."""

from __future__ import annotations

from mmcourse.joint.evaluate import (
    Measurement,
    measure_binding,
    measure_retrieval,
    measure_zero_shot,
)
from mmcourse.joint.hidden_words import measure_blame, measure_words
from mmcourse.joint.measure_fused import measure_crowds, measure_fused_binding, measure_matching
from mmcourse.joint.model import JointModel


def measure_towers(model: JointModel, n: int | None = None) -> dict[str, Measurement]:
    """What the two towers find and read on `n` held-out scenes (default: the card's).

    Raises:
        ValueError: fewer than 5 scenes, too few for recall@5.
    """
    if n is not None and n < 5:
        raise ValueError(f"n must be at least 5, got {n}")
    model.eval()
    unseen = {
        f"compositional_{name}": value
        for name, value in measure_retrieval(model, "compositional", n or 1000).items()
    }
    return {
        **measure_retrieval(model, "test", n or 1000),
        **unseen,
        **measure_zero_shot(model, "test", n or 1000),
        **measure_binding(model, "test", min(n or 500, 500)),
    }


def measure_joint(model: JointModel, n: int | None = None) -> dict[str, Measurement]:
    """`measure_towers`, who is read among several, and what the fused encoder reads, if there is
    one."""
    found = {**measure_towers(model, n), **measure_crowds(model, "test", min(n or 200, 200))}
    if model.fused is None:
        return found
    return {
        **found,
        **measure_fused_binding(model, "test", min(n or 500, 500)),
        **measure_matching(model, "test", n or 1000),
        **measure_words(model, "test", n or 1000),
        **measure_blame(model, "test", min(n or 500, 500)),
    }
