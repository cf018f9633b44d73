"""What the labs' one execution showed. `make labs` comes first."""

import json
import os
import subprocess
from pathlib import Path

import nbformat
import pytest
from jupyter_cache import get_cache

BUILD = Path("_build")
LABS = sorted(path.name for path in Path("notebooks").glob("*.ipynb"))
MEASURED = BUILD / "labs" / "measured.json"


@pytest.fixture
def measured(chapter: str) -> dict:
    """What the kernel noted about one lab."""
    if not MEASURED.exists():
        pytest.skip("no lab was executed: make labs")
    labs = json.loads(MEASURED.read_text())["labs"]
    assert chapter in labs, f"{chapter} was not executed"
    return labs[chapter]


@pytest.fixture
def executed(path: Path) -> nbformat.NotebookNode:
    file = BUILD / "labs" / path.name
    if not file.exists():
        pytest.skip("no lab was executed: make labs")
    return nbformat.read(file, as_version=4)


def test_the_wheel_was_used(measured: dict) -> None:
    package = Path(measured["package"])
    assert package.is_relative_to((BUILD / "site").resolve()), f"imported from {package}"


def test_no_file_of_the_repository_was_opened(measured: dict) -> None:
    assert measured["repository_files"] == []


def test_it_is_the_lab_of_the_repository(
    lab: nbformat.NotebookNode, executed: nbformat.NotebookNode
) -> None:
    assert [cell.source for cell in executed.cells] == [cell.source for cell in lab.cells]


def test_every_cell_ran(executed: nbformat.NotebookNode) -> None:
    for cell in executed.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or "skip-execution" in tags or not cell.source.strip():
            continue
        assert cell.execution_count, cell.source
        if "raises-exception" not in tags:
            assert not [out for out in cell.outputs if out.output_type == "error"], cell.source


def test_it_was_measured(measured: dict) -> None:
    assert 0 < measured["minutes"] < 60
    assert 0 < measured["memory_gb"] < 64


def test_outputs_name_no_path_of_this_machine(executed: nbformat.NotebookNode) -> None:
    private = {str(Path.cwd()), str(Path.home()) + os.sep}
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            text = json.dumps(output.get("data", output.get("text", "")))
            assert not [name for name in private if name in text], cell.source


def test_the_book_executed_nothing_again() -> None:
    """A lab that the cache did not know would have been run by the book and entered under its
    own path; so the cache holds the copies in _build/labs and nothing else."""
    if not MEASURED.exists():
        pytest.skip("no lab was executed: make labs")
    records = get_cache(BUILD / ".jupyter_cache").list_cache_records()
    assert sorted(record.uri for record in records) == [str(BUILD / "labs" / lab) for lab in LABS]


def test_the_wheel_carries_the_whole_package() -> None:
    site = BUILD / "site" / "mmcourse"
    if not site.exists():
        pytest.skip("no wheel was built: make wheel")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "mmcourse"]
    names = subprocess.run(listed, capture_output=True, check=True, text=True).stdout.split("\0")
    ours = {Path(name).relative_to("mmcourse") for name in names if name and Path(name).is_file()}
    theirs = {path.relative_to(site) for path in site.rglob("*") if path.is_file()}
    theirs = {path for path in theirs if "__pycache__" not in path.parts}
    assert theirs == ours | {Path("budget.json")}
    for path in ours:
        assert (site / path).read_bytes() == (Path("mmcourse") / path).read_bytes(), path
    assert (site / "budget.json").read_bytes() == Path("notebooks/budget.json").read_bytes()
