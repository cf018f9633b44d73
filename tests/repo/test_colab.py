"""The labs' install cell, played through by pip on what Colab ships: nothing is replaced.

The environment has Colab's pip and, of every package that Colab ships, the metadata. That is all
that pip reads to choose; nothing is installed.
"""

import json
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytestmark = pytest.mark.slow

SHIPPED = Path("tests/data/colab-versions.txt")
OF_TORCHS_BUILD = re.compile(r"(nvidia|cuda)-")  # see tools/colab_versions.py


def published() -> dict[str, str]:
    """Version by name as Colab spells it."""
    lines = SHIPPED.read_text().splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def extras_of_the_cells() -> set[str]:
    """The extras that the labs' install cells ask for, and the storyteller's."""
    cells = [
        cell.source
        for path in Path("notebooks").glob("*.ipynb")
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code" and "pip install" in cell.source
    ]
    return {"app"} | {re.search(r'"mmcourse\[([\w,]+)\] @ ', cell)[1] for cell in cells}


def chosen(python: Path | str, report: Path, *asked: str) -> list[dict]:
    """What `pip install` would install besides mmcourse: the metadata of each package."""
    command = [str(python), "-m", "pip", "install", "-q", "--dry-run", "--report", str(report)]
    command += asked
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    found = [one["metadata"] for one in json.loads(report.read_text())["install"]]
    return [one for one in found if one["name"] != "mmcourse"]


@pytest.fixture(scope="module")
def agreed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """What pip chooses from nothing when it must take every version that Colab has, by name."""
    folder = tmp_path_factory.mktemp("agreed")
    python = re.search(r"Python (3\.\d+)", SHIPPED.read_text())[1]
    there = ["--python-version", python, "--only-binary", ":all:", "--ignore-installed"]
    there += ["--target", str(folder / "none"), "--constraint", str(SHIPPED)]
    # Our pip: Colab's, run by another Python than the one it is told of, finds no way.
    found = chosen(
        sys.executable, folder / "report.json", *there, f"mmcourse[app] @ {wheel.as_uri()}"
    )
    return {canonicalize_name(one["name"]): one for one in found}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with Colab's pip, and nothing else."""
    folder = tmp_path_factory.mktemp("colab") / "venv"
    venv.create(folder, with_pip=True)
    interpreter = folder / "bin" / "python"
    pip = [str(interpreter), "-m", "pip", "install", "-qq", f"pip=={published()['pip']}"]
    subprocess.run(pip, check=True)
    return interpreter


@pytest.fixture
def replaced(
    agreed: dict[str, dict], python: Path, wheel: Path, tmp_path: Path
) -> Iterator[Callable[[str, dict[str, str]], list[str]]]:
    """What pip would install over, or beside the CUDA libraries of, an environment that ships
    the given versions."""
    (site,) = (python.parents[1] / "lib").glob("python*/site-packages")
    written = []

    def ship(name: str, version: str) -> None:
        folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        written.append(folder)
        wanted = agreed.get(canonicalize_name(name), {}).get("requires_dist", [])
        fields = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        fields += [
            f"Requires-Dist: {line}"
            for line in wanted
            if not OF_TORCHS_BUILD.match(canonicalize_name(Requirement(line).name))
        ]
        (folder / "METADATA").write_text("\n".join(fields) + "\n")

    def over(extra: str, versions: dict[str, str]) -> list[str]:
        for name, version in versions.items():
            if name != "pip":  # which is really there
                ship(name, version)
        names = {canonicalize_name(name) for name in versions}
        asked = f"mmcourse[{extra}] @ {wheel.as_uri()}"
        found = chosen(python, tmp_path / "report.json", asked)
        found = [(canonicalize_name(one["name"]), one["version"]) for one in found]
        print("pip would install", found)
        return [
            f"{name} {version}"
            for name, version in found
            if name in names or OF_TORCHS_BUILD.match(name)
        ]

    yield over
    for folder in written:
        shutil.rmtree(folder)


def test_every_version_of_colabs_goes_with_the_rest(agreed: dict[str, dict]) -> None:
    shipped = {canonicalize_name(name): version for name, version in published().items()}
    met = {name for name in agreed if name in shipped}
    assert {"torch", "torchvision", "transformers", "ipython"} <= met
    assert all(agreed[name]["version"] == shipped[name] for name in met)


@pytest.mark.parametrize("extra", sorted(extras_of_the_cells()))
def test_nothing_that_colab_ships_is_replaced(
    extra: str, replaced: Callable[[str, dict[str, str]], list[str]]
) -> None:
    assert not replaced(extra, published())


def test_a_replacement_would_be_seen(
    replaced: Callable[[str, dict[str, str]], list[str]],
) -> None:
    """We ask for transformers 5; for timm asks a package that Colab lacks; for a newer parso,
    jedi, which IPython asks for and Colab lacks."""
    old = {"transformers": "4.57.0", "timm": "0.9.0", "parso": "0.7.0"}
    found = replaced("labs", {**published(), **old})
    assert {line.split()[0] for line in found} >= old.keys()
