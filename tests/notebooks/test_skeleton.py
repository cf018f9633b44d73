"""Every lab has the sections of a lab, in their order, in Markdown that Colab renders."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from mmcourse.exercises import load

SECTIONS = [
    "What you will be able to do",
    "What you need first",
    "Setup",
    "Predict first",
    "Build",
    "Train",
    "Look inside",
    "Failure gallery",
    "Applications",
    "Exercises",
    "Quiz",
    "Summary",
    "Further reading",
    "Provenance",
]
TAGS_AT_MOST = 3  # cells of one lab that CI may skip or let fail
BUDGET_KEYS = {"minutes", "memory_gb", "download_mb", "device", "t4_minutes_estimate", "measured"}

MYST = {
    "a role": r"\{[\w:+.-]+\}`",
    "a directive": r"^\s*(?:`{3,}|:{3,}|~{3,})\s*\{[\w:+.-]+\}",
    "a colon fence": r"^:{3,}",
    "a target": r"^\([\w:.-]+\)=\s*$",
    "a substitution": r"\{\{.*?\}\}",
    "a comment": r"^% ",
    "a block break": r"^\+\+\+",
}
PATH_LOGIC = r"\bsys\.path\b|\bos\.chdir\b|__file__|\.\./|%cd\b|/content/"


def prose(text: str) -> str:
    """Markdown without its fenced code, which may show anything; the fences' first lines stay."""
    return re.sub(r"^(`{3,})([\w-]*)\n.*?^\1\s*$", "", text, flags=re.MULTILINE | re.DOTALL)


def myst_in(text: str) -> dict[str, str]:
    """The MyST syntax in a text cell, by kind. Braces in formulas and code spans are theirs."""
    plain = re.sub(r"\$\$.*?\$\$|\$[^$\n]+\$", "", prose(text), flags=re.DOTALL)
    plain = re.sub(r"(?<![}`])`[^`\n]+`", "", plain)  # after a brace, a span may be a role's
    hits = {kind: re.search(form, plain, re.MULTILINE) for kind, form in MYST.items()}
    return {kind: hit[0] for kind, hit in hits.items() if hit}


def headings(lab: nbformat.NotebookNode, level: int) -> list[str]:
    """The lab's headings of one level, in order."""
    marks = "#" * level
    texts = [prose(cell.source) for cell in lab.cells if cell.cell_type == "markdown"]
    return [found for text in texts for found in re.findall(rf"^{marks} (.+?)\s*$", text, re.M)]


def section(lab: nbformat.NotebookNode, title: str) -> Iterator[nbformat.NotebookNode]:
    """The cells from a level-2 heading to the next one."""
    inside = False
    for cell in lab.cells:
        if cell.cell_type == "markdown" and (
            found := re.findall(r"^## (.+?)\s*$", cell.source, re.M)
        ):
            inside = found[-1] == title
        if inside:
            yield cell


def test_there_is_a_lab() -> None:
    assert list(Path("notebooks").glob("ch01_*.ipynb")), "run pytest from the repository's root"


def test_it_is_a_valid_notebook(path: Path, lab: nbformat.NotebookNode) -> None:
    nbformat.validate(lab)
    assert re.fullmatch(r"ch\d\d_[a-z0-9_]+", path.stem)
    assert lab.metadata.kernelspec.name == "python3"


def test_it_follows_the_skeleton(lab: nbformat.NotebookNode) -> None:
    assert len(headings(lab, 1)) == 1
    assert headings(lab, 2) == SECTIONS


def test_it_opens_with_title_and_badge(
    path: Path, lab: nbformat.NotebookNode, homepage: str
) -> None:
    first = lab.cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    repository = homepage.removeprefix("https://github.com/")
    address = "https://colab.research.google.com/github/"
    badge = f"{address}{repository}/blob/main/notebooks/{path.name}"
    # The whole link must end there: a badge for another lab also starts with this one's address.
    assert re.search(rf"[(\"]{re.escape(badge)}[)\"]", first.source), f"no badge to {badge}"


def test_setup_installs_where_the_package_is_missing_then_sets_up(
    lab: nbformat.NotebookNode, chapter: str, homepage: str
) -> None:
    code = [cell.source for cell in lab.cells if cell.cell_type == "code"]
    here = [cell.source for cell in section(lab, "Setup") if cell.cell_type == "code"]
    assert code[:2] == here[:2], "the first code of a lab is its setup"
    # The wheel with its extra and not one option more: what test_colab.py plays through.
    assert re.fullmatch(
        r'import importlib\.util\n\nif importlib\.util\.find_spec\("mmcourse"\) is None:\n'
        r'    %pip install -q "mmcourse\[[\w,]+\] @ '
        rf'{re.escape(homepage)}/releases/download/v[\w.]+/mmcourse-[\w.]+\.whl"',
        here[0].replace("-py3-none-any", ""),
    ), here[0]
    assert re.search(rf"mmcourse\.setup\(['\"]{chapter}['\"]", here[1])
    assert sum("mmcourse.setup(" in source for source in code) == 1
    assert sum("pip install" in source for source in code) == 1


def test_there_is_no_path_logic(lab: nbformat.NotebookNode) -> None:
    for cell in lab.cells:
        if cell.cell_type == "code":
            assert not re.search(PATH_LOGIC, cell.source), cell.source


def test_it_is_plain_commonmark(lab: nbformat.NotebookNode) -> None:
    for cell in lab.cells:
        if cell.cell_type == "markdown":
            assert not myst_in(cell.source), cell.source


def test_it_builds_its_model_in_the_open(lab: nbformat.NotebookNode) -> None:
    """A front page that says "you write it" is true only if the lab's cells hold the model and a
    step that trains it, or a loop that draws from it."""
    code = "\n".join(cell.source for cell in lab.cells if cell.cell_type == "code")
    assert re.search(r"^class \w+\(nn\.Module\):", code, re.M), "no module is written here"
    assert ".backward()" in code, "no training step stands in the lab"


def test_its_exercises_are_stated_as_the_graders_have_them(lab: nbformat.NotebookNode) -> None:
    for cell in lab.cells:
        if found := re.search(r'^@exercise\("(.+?)"\)', cell.source, re.M):
            assert load(found[1]).stub.strip() in cell.source, found[1]


def test_few_cells_are_excused(lab: nbformat.NotebookNode) -> None:
    excused = {"skip-execution", "raises-exception"}
    cells = [cell for cell in lab.cells if excused.intersection(cell.metadata.get("tags", []))]
    assert len(cells) <= TAGS_AT_MOST
    assert not lab.metadata.get("execution", {}).get("allow_errors", False)


def test_its_budget_is_known(chapter: str) -> None:
    budget = json.loads(Path("notebooks/budget.json").read_text())
    assert chapter in budget, f"notebooks/budget.json has no {chapter}: make budget"
    assert budget[chapter].keys() >= BUDGET_KEYS


@pytest.mark.parametrize(
    "text",
    [
        "see {ref}`fig-one`",
        "{claim}`lab:ch01.x`",
        "```{note}\nHello\n```",
        ":::{note}\nHello\n:::",
        ":::\nplain\n:::",
        "(my-label)=\n# Title",
        "the {{ value }}",
        "% a comment",
        "+++",
    ],
)
def test_myst_is_seen(text: str) -> None:
    assert myst_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "the loss $\\frac{1}{B}$ and `x{y}`",
        "```python\nf'{{x}}'\n```",
        "<details><summary>Hint</summary>\n\n50 % of it\n\n</details>",
        "$$\n{{a}_b}`\n$$",
        "| a | b |\n|---|---|",
    ],
)
def test_commonmark_is_not(text: str) -> None:
    assert not myst_in(text)
