"""Wrong answers as a list in plain text: a name, what is written, what the learner is told.

It looks like this::

    the other sign: - sigma * v => + sigma * v
        v holds the picture with a minus, so sigma v is taken away.
    v as it is: -v
        x0 = -v holds at pure noise alone.
    rounded:
            levels = alpha.round()
            return levels * x - sigma * v
        Nothing is rounded here.

Behind the name, or deeper than the prose, stands code in one of four forms:

- edits of a right answer, one a line: `old => new`. The old text must occur exactly once in its
  source, docstring left out. Lines that are deeper than `old =>` are a new text of several lines;
- an expression of the arguments: what is returned;
- the lines of a function;
- an expression without the arguments: the wrong answer itself, such as a function's name.

An entry without prose has that of the next one. In a list of bugs the prose is three bullets. A
test that asks too much may end with `Satisfied by:` and code of an implementation that passes it.

Edits know the names that the right answer knows; other code knows those of the exercise's module,
and torch, nn, F, Tensor, math and copy without an import.
"""

from __future__ import annotations

import ast
import dis
import inspect
import linecache
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

ARROW = " =>"


@dataclass
class Entry:
    """One wrong answer, as it is written down.

    Args:
        name: the mistake in a few words.
        code: lines of code.
        told: paragraphs; in a list with bullets one for each.
        satisfied_by: code of an implementation that has what a hunt's test wrongly expects.
    """

    name: str
    code: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    satisfied_by: list[str] = field(default_factory=list)


def entries(text: str) -> list[Entry]:
    """The entries of a list.

    Raises:
        ValueError: a line stands where it can't be understood.
    """
    found: list[Entry] = []
    for line in textwrap.dedent(text).strip("\n").splitlines():
        if line and not line.startswith(" "):
            name, colon, code = line.partition(":")
            if not colon:
                raise ValueError(f"expected `name: code`, got {line!r}; a name ends with a colon")
            found.append(Entry(name, [code.strip()] if code.strip() else []))
            into = found[-1].code
        elif line.startswith(" " * 8):
            into.append(line[8:])
        elif line.startswith("    Satisfied by:"):
            into = found[-1].satisfied_by
            into += [code] if (code := line.partition(":")[2].strip()) else []
        elif line.strip():
            _tell(found[-1].told, line[4:])
    for entry, following in zip(reversed(found[:-1]), reversed(found[1:])):
        entry.told = entry.told or following.told
    return found


def _tell(told: list[str], line: str) -> None:
    """Add a line of prose: a bullet begins a paragraph, anything else continues one."""
    if line.startswith("- ") or not told:
        told.append(line.removeprefix("- "))
    else:
        told[-1] += " " + line.strip()


@dataclass(frozen=True)
class Workshop:
    """Where functions are made of what an exercise's lists say.

    Args:
        module: the exercise's module; its names are known to code that is no edit. An edit knows
            the names that the right answer knows.
        function: what a function is called.
        arguments: of a function, as in a `def`: "x, scale=1.0".
        right: what edits are made of.
    """

    module: str
    function: str
    arguments: str
    right: Callable[..., Any]

    def make(self, name: str, code: list[str]) -> Callable[..., Any]:
        """The function that is meant by these lines.

        Raises:
            ValueError: text to be replaced does not occur exactly once, or no function results.
        """
        names = _always() | vars(sys.modules[self.module])
        if any(ARROW in line for line in code):
            right = inspect.unwrap(self.right)
            source = edited(right, code, name)
            within = vars(sys.modules[right.__module__])
            return _made(source, right.__name__, within, self._file(name))
        if len(code) == 1 and (expression := _expression(code[0])) is not None:
            if not _names(expression) & self._parameters():
                found = eval(code[0], names)
                if not callable(found):
                    raise ValueError(
                        f"{name!r}: {code[0]!r} is a {type(found).__name__}; expected a function, "
                        "or an expression of the arguments, or lines with a `return`"
                    )
                return found
            code = [f"return {code[0]}"]
        source = f"def {self.function}({self.arguments}):\n" + textwrap.indent(
            "\n".join(code), "    "
        )
        return _made(source, self.function, names, self._file(name))

    def _parameters(self) -> set[str]:
        arguments = ast.parse(f"def f({self.arguments}): ...").body[0].args  # type: ignore[attr-defined]
        return {node.arg for node in ast.walk(arguments) if isinstance(node, ast.arg)}

    def _file(self, name: str) -> str:
        """What tracebacks call the source: a file of the engine, whose frames are not shown."""
        return f"<{self.module.replace('.', '/')}: {name}>"


def _always() -> dict[str, Any]:
    """Known to the code in a list without an import; imported when something is made."""
    import copy
    import math

    import torch

    whole = {"copy": copy, "math": math, "torch": torch}
    return whole | {"F": torch.nn.functional, "Tensor": torch.Tensor, "nn": torch.nn}


def arguments_of(function: Callable[..., Any]) -> str:
    """A function's arguments as in a `def`, without types."""
    bare = inspect.Parameter.empty
    parameters = inspect.signature(function).parameters.values()
    return ", ".join(str(p.replace(annotation=bare)) for p in parameters)


def _expression(code: str) -> CodeType | None:
    try:
        return compile(code, code, "eval")
    except SyntaxError:
        return None


def _names(code: CodeType) -> set[str]:
    """Names that an expression takes from outside; a lambda's own arguments are none."""
    steps = dis.get_instructions(code)
    found = {str(step.argval) for step in steps if step.opname in ("LOAD_NAME", "LOAD_GLOBAL")}
    return found.union(*(_names(part) for part in code.co_consts if isinstance(part, CodeType)))


def edited(right: Callable[..., Any], edits: list[str], name: str) -> str:
    """Source of a function or a class after edits, without its docstring.

    Raises:
        ValueError: text to be replaced does not occur exactly once.
    """
    source = textwrap.dedent(inspect.getsource(right))
    first = ast.parse(source).body[0].body[0]  # type: ignore[attr-defined]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        lines = source.splitlines(keepends=True)
        source = "".join([*lines[: first.lineno - 1], *lines[first.end_lineno :]])
    for old, new in _read(edits):
        if source.count(old) != 1:
            raise ValueError(
                f"{name!r}: expected {old!r} exactly once in {right.__name__}, got it "
                f"{source.count(old)} times; write more or less of what stands around it"
            )
        line = source[: source.index(old)].rpartition("\n")[2]
        margin = line[: len(line) - len(line.lstrip())]
        source = source.replace(old, new.replace("\n", "\n" + margin))
    return source


def _read(edits: list[str]) -> list[tuple[str, str]]:
    """Old and new texts; the new one may be lines of its own, deeper than the old."""
    found: list[tuple[str, str]] = []
    for line in edits:
        if line.startswith(" "):
            old, new = found.pop()
            found.append((old, f"{new}\n{line}"))
        else:
            old, _, new = line.partition(ARROW)
            found.append((old.strip(), new.strip()))
    return [(old, textwrap.dedent(new).strip("\n")) for old, new in found]


def _made(source: str, name: str, within: dict[str, Any], file: str) -> Callable[..., Any]:
    """What a source defines, its lines kept for whoever wants to see them."""
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    made: dict[str, Any] = {}
    exec(compile(source, file, "exec"), within, made)  # annotations stay unread, as in this file
    return made[name]
