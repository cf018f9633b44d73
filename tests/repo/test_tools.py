"""The scripts behind the Makefile: a stage is skipped only when nothing changed since it passed."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

TOOLS = Path(__file__).parents[2] / "tools"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def stage(folder: Path, command: str) -> subprocess.CompletedProcess:
    """Run `command` in a shell as a stage whose input is folder/input and output folder/output."""
    options = ["--stamp", "key", "--inputs", "input", "--output", "output"]
    ask = [sys.executable, str(TOOLS / "stage.py"), "Step", *options, "--", "sh", "-c", command]
    return subprocess.run(ask, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "a.txt").write_text("one")
    return tmp_path


def test_an_unchanged_stage_is_skipped(folder: Path) -> None:
    command = "echo ran >> output"
    assert "==> Step\n    Step: " in stage(folder, command).stdout
    assert "unchanged, skipped" in stage(folder, command).stdout
    assert (folder / "output").read_text() == "ran\n"


@pytest.mark.parametrize("change", ["content", "new file", "renamed", "output gone"])
def test_a_changed_stage_runs_again(folder: Path, change: str) -> None:
    command = "touch output; echo ran >> log"
    stage(folder, command)
    if change == "content":
        (folder / "input" / "a.txt").write_text("two")
    elif change == "new file":
        (folder / "input" / "b.txt").write_text("")
    elif change == "renamed":
        (folder / "input" / "a.txt").rename(folder / "input" / "c.txt")
    else:
        (folder / "output").unlink()
    stage(folder, command)
    assert (folder / "log").read_text() == "ran\nran\n"


def test_another_command_runs(folder: Path) -> None:
    stage(folder, "touch output; echo a >> log")
    stage(folder, "touch output; echo b >> log")
    assert (folder / "log").read_text() == "a\nb\n"


def test_compiled_files_are_no_change(folder: Path) -> None:
    stage(folder, "touch output")
    (folder / "input" / "__pycache__").mkdir()
    (folder / "input" / "__pycache__" / "a.pyc").write_text("x")
    assert "skipped" in stage(folder, "touch output").stdout


def test_a_failed_stage_fails_and_runs_again(folder: Path) -> None:
    stage(folder, "touch output; test ! -e broken")
    (folder / "broken").touch()
    (folder / "input" / "a.txt").write_text("two")
    for _ in range(2):
        result = stage(folder, "touch output; test ! -e broken")
        assert result.returncode == 1
        assert "FAILED" in result.stdout
    (folder / "broken").unlink()
    (folder / "input" / "a.txt").write_text("one")
    assert "skipped" not in stage(folder, "touch output; test ! -e broken").stdout


def test_notebooks_are_stripped_once(tmp_path: Path) -> None:
    cell = nbformat.v4.new_code_cell("1 + 1", execution_count=3)
    cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "2"})]
    cell.metadata["execution"] = {"iopub.execute_input": "2026-01-01"}
    cell.metadata["tags"] = ["hide-input"]
    file = tmp_path / "lab.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), file)
    ask = [sys.executable, str(TOOLS / "strip_notebooks.py"), str(file)]
    assert subprocess.run(ask, check=False).returncode == 1
    (stripped,) = json.loads(file.read_text())["cells"]
    assert stripped["outputs"] == []
    assert stripped["execution_count"] is None
    assert stripped["metadata"] == {"tags": ["hide-input"]}
    assert subprocess.run(ask, check=False).returncode == 0


def test_help_lists_the_targets_that_the_documents_name(root: Path) -> None:
    listed = subprocess.run(["make", "help"], cwd=root, capture_output=True, text=True, check=True)
    for target in (
        "book",
        "serve",
        "test",
        "test-slow",
        "test-colab",
        "lint",
        "app",
        "bench",
        "clean",
    ):
        assert f"make {target} " in listed.stdout, f"make help does not list {target}"


def test_the_code_of_the_readme_runs(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", (root / "README.md").read_text(), re.M | re.S)
    assert blocks
    monkeypatch.chdir(tmp_path)
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})


def test_the_pictures_of_the_readme_exist(root: Path) -> None:
    for alt, path in re.findall(r"!\[(.*?)\]\((.*?)\)", (root / "README.md").read_text()):
        assert (root / path).is_file(), path
        assert len(alt) > 20, f"{path} needs words for those who do not see it"


def test_the_budget_keeps_what_a_run_cannot_know() -> None:
    spec = importlib.util.spec_from_file_location("budget", TOOLS / "budget.py")
    assert spec
    assert spec.loader
    budget = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(budget)
    measured = {"device": "2 cores", "labs": {"ch01": {"minutes": 2.04, "memory_gb": 1.26}}}
    before = {"ch01": {"minutes": 9, "download_mb": 4, "t4_minutes_estimate": 1.5}, "ch02": {}}
    after = budget.merge(before, measured, "2026-11-22")
    assert after["ch01"] == {
        "minutes": 2.0,
        "memory_gb": 1.3,
        "download_mb": 4,
        "t4_minutes_estimate": 1.5,
        "device": "2 cores",
        "measured": "2026-11-22",
    }
    assert after["ch02"] == {}


def renewed(kept: str, published: str) -> subprocess.CompletedProcess:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import colab_versions as c; "
    code += "print(c.renew(*sys.argv[2:]), end='')"
    ask = [sys.executable, "-c", code, str(TOOLS), kept, published]
    return subprocess.run(ask, capture_output=True, text=True, check=False)


def test_colab_versions_are_renewed() -> None:
    kept = "# a note\ntorch==2.11.0\ngone==1.0\n"
    published = """# a comment
torch==2.12.1+cu130
PyYAML==6.0.4
zict @ https://example.org/whl/cu130/zict-3.0.1%2Bcu130-cp313-cp313-linux_x86_64.whl
en_core_web_sm @ https://example.org/en_core_web_sm-3.8.0-py3-none-any.whl#sha256=ab12
google-colab @ file:///colabtools/dist/google_colab-1.0.0.tar.gz
nvidia-cublas-cu12==12.8.4.1
cuda-toolkit==12.8.1
-e git+https://example.org/own.git#egg=own
"""
    wanted = "# a note\nen_core_web_sm==3.8.0\nPyYAML==6.0.4\ntorch==2.12.1\nzict==3.0.1\n"
    assert renewed(kept, published).stdout == wanted


def test_a_page_without_versions_renews_nothing() -> None:
    answer = renewed("torch==2.11.0\n", "404: Not Found")
    assert answer.returncode != 0
    assert "no line like" in answer.stderr


def test_a_lab_that_fails_stops_the_build_and_is_named(tmp_path: Path) -> None:
    cell = nbformat.v4.new_code_cell('raise ValueError("the fox has no hat")')
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": KERNEL})
    (tmp_path / "notebooks").mkdir()
    nbformat.write(notebook, tmp_path / "notebooks" / "ch09_broken.ipynb")
    command = [sys.executable, str(TOOLS / "labs.py"), "--tier", "smoke", "--jobs", "1"]
    command += ["--notebooks", str(tmp_path / "notebooks"), "--out", str(tmp_path / "build")]
    done = subprocess.run(command, cwd=TOOLS.parent, capture_output=True, text=True, check=False)
    assert done.returncode != 0, done.stdout + done.stderr
    for words in ("ch09_broken.ipynb", 'raise ValueError("the fox has no hat")'):
        assert words in done.stdout, done.stdout
    assert not (tmp_path / "build" / ".jupyter_cache").exists(), "the book could be built from it"
