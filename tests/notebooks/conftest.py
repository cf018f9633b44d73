"""The labs, as they stand in the repository."""

import tomllib
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
LABS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=LABS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def lab(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


@pytest.fixture
def chapter(path: Path) -> str:
    """ "ch01" for ch01_joint_embeddings.ipynb."""
    return path.stem.split("_")[0]


@pytest.fixture(scope="session")
def homepage() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"]["Homepage"]
