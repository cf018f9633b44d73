"""`tools/labs.py` runs a lab by a Python that does not know the repository, and sees a peek."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

IMPORTS = "import importlib.util, mmcourse; print(importlib.util.find_spec('tools'))"
PEEKS = 'open({name!r}).close(); import os; os.listdir({folder!r}); open("/etc/hostname").close()'


@pytest.fixture
def run(root: Path, tmp_path: Path) -> dict:
    """What is noted about a lab that imports the package and opens two places of the repository."""
    package = tmp_path / "out" / "site" / "mmcourse"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    peeks = PEEKS.format(name=str(root / "README.md"), folder=str(root / "tests"))
    cells = [nbformat.v4.new_code_cell(source) for source in (IMPORTS, peeks)]
    (tmp_path / "labs").mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "labs" / "ch99_peeks.ipynb")
    ask = [sys.executable, "tools/labs.py", "--notebooks", str(tmp_path / "labs"), "--jobs", "1"]
    ask += ["--out", str(tmp_path / "out")]
    told = subprocess.run(ask, cwd=root, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    executed = nbformat.read(tmp_path / "out" / "labs" / "ch99_peeks.ipynb", as_version=4)
    notes = json.loads((tmp_path / "out" / "labs" / "measured.json").read_text())["labs"]["ch99"]
    return {**notes, "printed": executed.cells[0].outputs[0].text, "site": package}


def test_a_lab_has_the_wheel_and_not_the_repository(run: dict) -> None:
    assert run["printed"] == "None\n"
    assert run["package"] == str(run["site"] / "__init__.py")
    assert run["repository_files"] == ["README.md", "tests"]
