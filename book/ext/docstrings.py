"""Read the package's docstrings as they are written: plain text in Google's sections.

Authors write `code` and indented blocks as in Markdown, and start a sentence after "Returns:".
reStructuredText and napoleon would take the first for a cross-reference, the second for an error
and the words before a colon for a type. This puts it right before they look.
"""

import re

from sphinx.application import Sphinx

CODE = re.compile(r"(?<![`\\:])`([^`\n]+)`(?!`)(\w?)")
STRESS = re.compile(r"(``.*?``|(?<!\w)(\*\*?)(?=\S)[^*\n]+(?<=\S)\2(?!\w))|\*")
SECTION = re.compile(r"(Args|Arguments|Attributes|Raises|Returns|Yields|Examples?|Notes?):$")
FIELD = re.compile(r"Alias for field number \d+$")  # what Python says of a tuple's fields: nothing
WHOLE = {"data", "attribute", "property"}  # one text, in which a colon is a colon


def marked_up(lines: list[str]) -> list[str]:
    """The same lines, with `code` as literals and indented blocks as literal blocks."""
    found: list[str] = []
    for number, line in enumerate(lines):
        if FIELD.match(line):
            continue
        line = CODE.sub(lambda m: f"``{m[1]}``" + (f"\\ {m[2]}" if m[2] else ""), line)
        line = STRESS.sub(lambda m: m[1] or r"\*", line)  # a star that stresses nothing
        below = next((text for text in lines[number + 1 :] if text.strip()), "")
        gap = number + 1 < len(lines) and not lines[number + 1].strip()
        opens = gap and depth(below) >= depth(line) + 4 and not SECTION.match(line.strip())
        if opens and line.rstrip().endswith(":") and not line.rstrip().endswith("::"):
            line = line.rstrip() + ":"
        elif opens and line.strip() and not line.rstrip().endswith("::"):
            found += [line, "", " " * depth(line) + "::"]
            continue
        found.append(line)
    return found


def depth(line: str) -> int:
    """How far a line is indented."""
    return len(line) - len(line.lstrip())


def before(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list) -> None:
    """Mark up, and keep what napoleon must leave alone."""
    lines[:] = marked_up(lines)
    app.mmcourse_docstring = list(lines) if what in WHOLE else None  # type: ignore[attr-defined]


def after(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list) -> None:
    """Give a value's docstring back as it was before napoleon."""
    if app.mmcourse_docstring is not None:  # type: ignore[attr-defined]
        lines[:] = app.mmcourse_docstring  # type: ignore[attr-defined]


def setup(app: Sphinx) -> None:
    """Stand on both sides of napoleon, which listens at priority 500."""
    app.connect("autodoc-process-docstring", before, priority=400)
    app.connect("autodoc-process-docstring", after, priority=600)
