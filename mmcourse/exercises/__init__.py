"""Exercises that grade themselves: the decorator, and the stubs that learners start from."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmcourse.exercises.attempt import Attempt, exercise
    from mmcourse.exercises.catalogue import chapters, ids, load, stub_source

__all__ = ["Attempt", "chapters", "exercise", "ids", "load", "stub_source"]


def __getattr__(name: str) -> Any:
    """Load the grader when something is graded, not when the command line starts."""
    if name in __all__:
        from mmcourse.exercises import attempt, catalogue

        return getattr(attempt if hasattr(attempt, name) else catalogue, name)
    raise AttributeError(f"module 'mmcourse.exercises' has no attribute {name!r}")
