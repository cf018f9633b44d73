"""Wrong answers are read from lists in plain text; and what an exercise costs in lines."""

from __future__ import annotations

import builtins
import dataclasses
import dis
import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

import mmcourse.exercises
from mmcourse.exercises import chapters, ids, load
from mmcourse.exercises.definition import Hunt
from mmcourse.exercises.mistakes import Workshop, entries

LINES = 178
"""An exercise's lines on average, with whatever its chapter's folder holds beside."""

EVERY = [id for chapter in chapters() for id in ids(chapter)]
FACTOR = 3


def scaled(x: float, by: float = 2.0) -> float:
    """Something like by * x."""
    total = by * x
    return total + 0


class Counter:
    """Edited like a function."""

    step = 1

    def next(self, x: int) -> int:
        return x + self.step


def made(text: str, right: Callable[..., Any] = scaled) -> Callable[..., Any]:
    """The only answer of a list."""
    (entry,) = entries(text)
    return Workshop(__name__, "scaled", "x, by=2.0", right).make(entry.name, entry.code)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("an edit: total = by => total = -by\n    Told.", -6.0),
        ("two edits:\n        by * x => by + x\n        + 0 => + 1\n    Told.", 6.0),
        ("nothing new: total + =>\n    Told.", 0.0),
        ("lines:\n        total = by * x =>\n            total = x\n            total += 1", 4.0),
        ("an expression of the arguments: x / by", 1.5),
        ("an expression with names: torch.tensor(x).item() + FACTOR", 6.0),
        ("the answer itself: lambda x: FACTOR * x", 9.0),
        ("lines:\n        for _ in range(2):\n            x += 1\n        return x", 5.0),
    ],
)
def test_code_in_each_form(text: str, expected: float) -> None:
    assert made(text)(3.0) == expected


def test_a_class_is_edited_too() -> None:
    assert made("in tens: step = 1 => step = 10", Counter)().next(1) == 11


def test_what_was_edited_can_be_shown() -> None:
    answer = made("minus: total = by => total = -by")
    assert "total = -by * x" in inspect.getsource(answer)
    assert "mmcourse/exercises" not in answer.__code__.co_filename  # this is no exercise
    assert "mmcourse/exercises" in load("ch04.add_noise").mutants[0].answer.__code__.co_filename


@pytest.mark.parametrize(("old", "times"), [("total * 2", 0), ("total", 2), ("Something", 0)])
def test_an_edit_of_what_is_not_there_exactly_once_is_refused(old: str, times: int) -> None:
    with pytest.raises(ValueError, match=f"exactly once in scaled, got it {times} times"):
        made(f"unclear: {old} => x")


def test_a_value_is_no_answer() -> None:
    with pytest.raises(ValueError, match=r"'FACTOR' is a int; expected a function.*`return`"):
        made("a number: FACTOR")


def test_a_name_without_a_colon_is_refused() -> None:
    with pytest.raises(ValueError, match="a name ends with a colon"):
        entries("nothing behind it\n    Told.")


def test_what_is_told() -> None:
    first, second, bug = entries(
        """
        one: x
        another: -x
            It goes
            on.
            Satisfied by: 2 * x
        a bug: 3 * x
            - First of
              all.
            - Then.
        """
    )
    assert first.told == second.told == ["It goes on."]
    assert (first.satisfied_by, second.satisfied_by) == ([], ["2 * x"])
    assert bug.told == ["First of all.", "Then."]


def made_by(id: str) -> Iterator[tuple[str, Any]]:
    """All that an exercise's lists make, by name."""
    it = load(id)
    yield from ((m.name, m.answer) for m in it.mutants)
    yield from ((m.name, m.satisfied_by) for m in it.mutants if m.satisfied_by)
    if isinstance(it, Hunt):
        yield from ((s.name, s.implementation) for s in it.suspects)


def _functions(thing: Any) -> list[FunctionType]:
    if isinstance(thing, type):
        return [f for member in vars(thing).values() for f in _functions(member)]
    return [thing] if isinstance(thing, FunctionType) else []


def _names(code: CodeType) -> set[str]:
    used = {str(s.argval) for s in dis.get_instructions(code) if s.opname == "LOAD_GLOBAL"}
    return used.union(*(_names(part) for part in code.co_consts if isinstance(part, CodeType)))


@pytest.mark.parametrize("id", EVERY)
def test_lists_use_names_that_are_known(id: str) -> None:
    """An import that a list alone uses looks unused: import the module that the reference is in."""
    for name, answer in made_by(id):
        for function in _functions(answer):
            known = function.__globals__.keys() | vars(builtins).keys()
            assert not _names(function.__code__) - known, name


def test_nothing_is_made_before_an_answer_fails() -> None:
    for id in ("ch04.add_noise", "ch04.hunt_sampler"):
        fresh = dataclasses.replace(load(id))
        assert not {"mutants", "suspects"} & vars(fresh).keys()
        assert fresh.mutants
        assert "mutants" in vars(fresh)


def test_exercises_are_listed_without_torch() -> None:
    """`mmcourse exercises` answers at once."""
    code = "import sys, mmcourse.exercises as e; e.ids('ch01'); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_an_exercise_costs_few_lines() -> None:
    here = Path(mmcourse.exercises.__file__).parent
    files = [file for chapter in chapters() for file in (here / chapter).glob("*.py")]
    total = sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)
    assert total <= LINES * len(EVERY), f"{total / len(EVERY):.1f} each"


def test_the_example_of_the_contributors_page_is_real() -> None:
    root = Path(__file__).parents[2]
    page = (
        (root / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## How to add an exercise")[1]
    )
    for fence, file in (("python", "ch04/x0_from_v.py"), ("text", "ch04/hunt_flow_loss.py")):
        source = (Path(mmcourse.exercises.__file__).parent / file).read_text(encoding="utf-8")
        example = page.split(f"```{fence}\n")[1].split("```")[0]
        assert not [line for line in example.splitlines() if line not in source.splitlines()]
    assert f"has {len(_lines('ch04/x0_from_v.py'))} lines" in page


def _lines(file: str) -> list[str]:
    here = Path(mmcourse.exercises.__file__).parent
    return (here / file).read_text(encoding="utf-8").splitlines()
