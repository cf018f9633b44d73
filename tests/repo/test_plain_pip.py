"""A reader without the repository: plain pip, the wheel with its extra `labs`, an empty folder.

The environment is made anew, outside the repository, of what pip chooses today. So this also tells
when a requirement is not declared, and when the newest release of something breaks a lab.
"""

import ast
import json
import os
import shutil
import subprocess
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

pytestmark = pytest.mark.slow

LABS = sorted(Path("notebooks").resolve().glob("*.ipynb"))
JUPYTER = ["ipykernel", "nbmake", "pytest"]  # a reader has Jupyter; this drives it
HIDDEN = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "IPYTHONDIR", "MMCOURSE_HOME"}

Run = Callable[..., str]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a reader's virtual environment, empty yet."""
    folder = tmp_path_factory.mktemp("reader") / "venv"
    venv.create(folder, with_pip=True)
    yield folder
    shutil.rmtree(folder)  # gigabytes


@pytest.fixture(scope="module")
def pip(reader: Path) -> Callable[..., None]:
    """`pip install` there."""
    kept = {name: value for name, value in os.environ.items() if name not in HIDDEN}

    def install(*wanted: str) -> None:
        command = [str(reader / "bin" / "python"), "-m", "pip", "install", "-qq", *wanted]
        subprocess.run(command, check=True, env=kept)

    return install


@pytest.fixture(scope="module")
def installed(wheel: Path, pip: Callable[..., None]) -> None:
    pip(f"mmcourse[labs] @ {wheel.as_uri()}")


@pytest.fixture
def run(reader: Path, installed: None, tmp_path: Path) -> Run:
    """Run a program of that environment in an empty folder, with a home of its own. Returns what
    it printed."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "home").mkdir()
    there = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    there["PATH"] = os.pathsep.join([str(reader / "bin"), os.defpath])
    there |= {"HOME": str(tmp_path / "home"), "MMCOURSE_TIER": "smoke"}

    def inside(program: str, *arguments: str) -> str:
        told = subprocess.run(
            [str(reader / "bin" / program), *arguments],
            cwd=tmp_path / "empty",
            env=there,
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 0, f"{told.stdout[-5000:]}\n{told.stderr[-5000:]}"
        return told.stdout

    return inside


def imports(lab: Path) -> str:
    """Every import statement of a lab, one a line."""
    plain = TransformerManager().transform_cell  # without `%pip`
    cells = [cell for cell in nbformat.read(lab, as_version=4).cells if cell.cell_type == "code"]
    nodes = [node for cell in cells for node in ast.walk(ast.parse(plain(cell.source)))]
    return "\n".join(
        ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)
    )


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.stem)
def test_extra_labs_has_all_that_a_lab_imports(lab: Path, run: Run) -> None:
    """Before Jupyter is there, whose own requirements could hide that one of ours is missing."""
    assert "torch" in imports(lab)
    run("python", "-c", f"{imports(lab)}\nimport mmcourse")


def test_the_commands_run(run: Run, reader: Path) -> None:
    assert "measure" in run("mmcourse", "--help")
    run("mmcourse", "doctor")
    measured = json.loads(run("mmcourse", "measure", "joint", "--n", "20", "--json"))
    assert measured
    where = run("python", "-c", "import mmcourse; print(mmcourse.__file__)").strip()
    assert Path(where).is_relative_to(reader)


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.stem)
def test_a_lab_runs(lab: Path, run: Run, pip: Callable[..., None], tmp_path: Path) -> None:
    pip(*JUPYTER)
    shutil.copy(lab, tmp_path / "empty")
    drive = ["--nbmake", "--overwrite", "--nbmake-timeout=900", "-p", "no:cacheprovider"]
    run("python", "-m", "pytest", *drive, lab.name)
    executed = nbformat.read(tmp_path / "empty" / lab.name, as_version=4)
    assert any(cell.get("outputs") for cell in executed.cells)
