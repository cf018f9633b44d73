"""What an exercise is made of: a stub, a reference, properties, wrong answers and hints."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Literal

from mmcourse.exercises.mistakes import Workshop, arguments_of, entries

Level = Literal["core", "bug hunt", "stretch"]


@dataclass(frozen=True)
class Property:
    """Something that is true of every right answer.

    Args:
        says: the property as an assertion, shown to the learner ("swapping ... changes nothing").
        check: takes the learner's function, raises `Broken` where the property doesn't hold.
    """

    says: str
    check: Callable[[Any], None]


def holds(says: str) -> Callable[[Callable[[Any], None]], Property]:
    """Make a property of a function: `@holds("a batch of one has nothing to tell apart")`."""
    return lambda check: Property(says, check)


@dataclass(frozen=True)
class Mutant:
    """A wrong answer that learners really give.

    Args:
        name: the mistake in a few words, shown when an answer behaves the same.
        answer: the wrong answer.
        hint: what the misconception is, and where to look.
        satisfied_by: of a bug hunt's test that fails on everything: an implementation that does
            what the test wrongly expects. Only a test that passes on it has this mistake.
    """

    name: str
    answer: Callable[..., Any]
    hint: str
    satisfied_by: Callable[..., Any] | None = None


@dataclass(frozen=True)
class Suspect:
    """A broken implementation that a bug hunt's test should catch.

    Args:
        name: the bug, told once it is caught.
        implementation: what the learner's test is run on.
        clues: from what kind of thing is wrong to the bug itself, told one by one while missed.
    """

    name: str
    implementation: Callable[..., Any]
    clues: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """What tasks and bug hunts share.

    Args:
        title: a few words.
        level: "core", "bug hunt" or "stretch".
        difficulty: 1 (a line or two) to 5.
        minutes: for someone who has read the chapter's page.
        stub: the cell that a learner starts from, decorator and all.
        reference: the right answer. For a task it is the package's own function.
        mistakes: wrong answers, at least three, as a list in plain text (see `mistakes.py`). They
            are made only when an answer fails.
        edits: the right answer that edits in the list are made of; without it the reference.
        hints: from a nudge to almost the answer.
        seconds: time limit of one check.
    """

    kind: ClassVar[str]

    title: str
    level: Level
    difficulty: int
    minutes: int
    stub: str
    reference: Callable[..., Any]
    mistakes: str
    hints: tuple[str, ...]
    edits: Callable[..., Any] | None = None
    seconds: float = 5.0

    @cached_property
    def mutants(self) -> tuple[Mutant, ...]:
        """The list's wrong answers, as functions."""
        make = self._workshop.make
        return tuple(
            Mutant(e.name, make(e.name, e.code), e.told[0]) for e in entries(self.mistakes)
        )

    @property
    def _workshop(self) -> Workshop:
        definition = ast.parse(self.stub).body[0]
        assert isinstance(definition, ast.FunctionDef)
        arguments = ast.unparse(definition.args)
        module = f"{__package__}.{self.id}"
        return Workshop(module, definition.name, arguments, self.edits or self.reference)

    @property
    def id(self) -> str:
        """Chapter and name, as the stub has them: "ch01.clip_loss". The module of that name holds
        the exercise."""
        return self.stub.partition('@exercise("')[2].partition('"')[0]

    @property
    def chapter(self) -> str:
        return self.id.partition(".")[0]

    @property
    def name(self) -> str:
        return self.id.partition(".")[2]

    @property
    def function(self) -> str:
        """What the stub's function is called."""
        definition = ast.parse(self.stub).body[0]
        return getattr(definition, "name", self.name)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the stub's arguments, by which a report names its inputs."""
        definition = ast.parse(self.stub).body[0]
        if not isinstance(definition, ast.FunctionDef):
            return ()
        return tuple(argument.arg for argument in definition.args.args)


@dataclass(frozen=True, kw_only=True)
class Task(Exercise):
    """Write a function that has these properties.

    From `formula` and `cases` the grader makes by itself what all such tasks ask for (see
    `shared.py`): values, types, gradients, devices, the ends of float32.

    Args:
        formula: what is right, written another way, in plain steps; any dtype.
        cases: ordinary inputs in float64, several, of different sizes, one of them the smallest.
        ends: inputs in float32 where naive formulas overflow, underflow or cancel: each end, and
            each side of it. There the value must be that of the formula in float64.
        result: "tensor" (floats), "indices" (int64) or "number".
        names: of what is returned, where it is several tensors.
        learns: whether gradients must be those of the formula.
        through: what comes before the answer where gradients are taken, such as normalisation.
        probe: what an implementation does on a few inputs, by default on the cases. An answer that
            does what a mutant does is told the mutant's hint.
    """

    kind: ClassVar[str] = "task"

    formula: Callable[..., Any] | None = None
    cases: Callable[[], list[tuple[Any, ...]]] | None = None
    ends: Callable[[], list[tuple[Any, ...]]] | None = None
    result: Literal["tensor", "indices", "number"] = "tensor"
    names: tuple[str, ...] = ()
    learns: bool = True
    through: Callable[..., tuple[Any, ...]] | None = None
    probe: Callable[[Callable[..., Any]], Any] | None = None

    @cached_property
    def properties(self) -> tuple[Property, ...]:
        """Those of the module, as they stand there: what a learner should see first comes first."""
        held = vars(sys.modules[self._workshop.module]).values()
        return tuple(value for value in held if isinstance(value, Property))


@dataclass(frozen=True, kw_only=True)
class Hunt(Exercise):
    """Write a test that passes on right implementations and fails on each broken one.

    Its mistakes are tests; their edits are of the reference.

    Args:
        right: right implementations, written differently.
        bugs: broken implementations, as a list in plain text, three clues to each: what kind of
            thing is wrong, where to look, and the bug itself.
        edits: the right implementation that edits in this list are made of; without it `on_trial`.
        on_trial: the package's function of which the suspects are broken forms. While a test runs,
            the implementation on trial stands in for it, so that a test can't lean on it.
        keeps_state: whether what is on trial changes itself, so that a test needs clones.
    """

    kind: ClassVar[str] = "hunt"

    level: Level = "bug hunt"
    right: tuple[Callable[..., Any], ...]
    bugs: str
    on_trial: Callable[..., Any]
    keeps_state: bool = False

    @cached_property
    def mutants(self) -> tuple[Mutant, ...]:
        """The list's tests, as functions."""
        tests, broken = replace(self._workshop, right=self.reference), self._implementations
        return tuple(
            Mutant(
                e.name,
                tests.make(e.name, e.code),
                e.told[0],
                broken.make(f"what satisfies: {e.name}", e.satisfied_by)
                if e.satisfied_by
                else None,
            )
            for e in entries(self.mistakes)
        )

    @cached_property
    def suspects(self) -> tuple[Suspect, ...]:
        """The list's broken implementations, as functions."""
        make = self._implementations.make
        return tuple(
            Suspect(e.name, make(e.name, e.code), tuple(e.told)) for e in entries(self.bugs)
        )

    @property
    def _implementations(self) -> Workshop:
        right = self.edits or self.on_trial
        return replace(
            self._workshop, function=right.__name__, arguments=arguments_of(right), right=right
        )
