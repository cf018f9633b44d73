"""Exact versions are exact, and the wide ranges admit them and Colab's."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version


def pins(text: str) -> dict[str, Version]:
    """Versions by name of a file of `name==version` lines. Any other line is an error."""
    found = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = re.fullmatch(r"([\w.-]+)==([\w.!]+)", line)
        assert match, f"not an exact version: {line!r}"
        found[canonicalize_name(match[1])] = Version(match[2])
    return found


@pytest.fixture(scope="module")
def ranges(project: dict) -> list[Requirement]:
    """Every requirement of pyproject.toml, the extras' too."""
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    found = [Requirement(line) for line in [*project["dependencies"], *extras]]
    return [wanted for wanted in found if wanted.name != project["name"]]


@pytest.fixture(scope="module")
def exact(root: Path) -> dict[str, Version]:
    return pins((root / "constraints.txt").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def colab(root: Path) -> dict[str, Version]:
    return pins((root / "tests/data/colab-versions.txt").read_text(encoding="utf-8"))


def test_every_requirement_is_pinned(ranges: list[Requirement], exact: dict) -> None:
    for wanted in ranges:
        version = exact.get(canonicalize_name(wanted.name))
        assert version, f"constraints.txt has no version of {wanted.name}"
        assert wanted.specifier.contains(version), f"{wanted} does not admit {version}"


def test_torch_and_torchvision_belong_together(exact: dict) -> None:
    torch, vision = exact["torch"], exact["torchvision"]
    assert torch.minor + 15 == vision.minor, f"torchvision {vision} was not built for torch {torch}"


def test_ranges_admit_what_colab_ships(ranges: list[Requirement], colab: dict) -> None:
    admitted = [wanted for wanted in ranges if canonicalize_name(wanted.name) in colab]
    assert {"torch", "transformers", "gradio", "ipython"} <= {wanted.name for wanted in admitted}
    for wanted in admitted:
        version = colab[canonicalize_name(wanted.name)]
        # "Nothing that Colab ships is replaced": a narrower range would make pip replace it.
        assert wanted.specifier.contains(version), f"{wanted} would replace Colab's {version}"


def test_an_inexact_line_is_an_error() -> None:
    for line in ("torch>=2.9", "-e .", "torch @ https://example.org/torch.whl"):
        with pytest.raises(AssertionError, match="not an exact version"):
            pins(line)


def test_python_versions_agree(root: Path, project: dict) -> None:
    named = re.findall(r"Python :: (3\.\d+)", " ".join(project["classifiers"]))
    workflow = (root / ".github/workflows/tests.yml").read_text(encoding="utf-8")
    matrix = re.search(r"python: \[(.+)\]", workflow)
    assert matrix
    assert re.findall(r"3\.\d+", matrix[1]) == named
    assert project["requires-python"] == f">={named[0]}"
