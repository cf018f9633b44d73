"""What exercises are made with, in one place: kinds, expectations, inputs and probes."""

from mmcourse.exercises.answer import Raised
from mmcourse.exercises.definition import Hunt, Property, Task, holds
from mmcourse.exercises.devices import follows_device
from mmcourse.exercises.expect import (
    close,
    gives,
    gradients,
    near,
    new,
    number,
    tensor,
    typed,
    unchanged,
    whole,
    zero,
)
from mmcourse.exercises.inputs import column, dice, normalised, raw, row, unit, vector
from mmcourse.exercises.probe import calls, constants
from mmcourse.exercises.shared import each
from mmcourse.exercises.values import Broken

__all__ = [
    "Broken", "Hunt", "Property", "Raised", "Task", "calls", "close", "column", "constants",
    "dice", "each", "follows_device", "gives", "gradients", "holds", "near", "new", "normalised",
    "number", "raw", "row", "tensor", "typed", "unchanged", "unit", "vector", "whole", "zero",
]  # fmt: skip
