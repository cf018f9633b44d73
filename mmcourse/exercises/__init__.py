"""Exercises that grade themselves: the decorator, and the stubs that learners start from."""

from mmcourse.exercises.attempt import Attempt, exercise
from mmcourse.exercises.catalogue import chapters, ids, load, stub_source

__all__ = ["Attempt", "chapters", "exercise", "ids", "load", "stub_source"]
