"""Exact versions are exact, and the wide ranges admit them and Colab's.

What pip would really do on Colab is asked of pip in test_colab.py, which needs the network.
"""

import importlib.metadata
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


def refused(name: str, extra: str, shipped: dict[str, Version]) -> dict[str, str]:
    """What the installed package `name` asks for, itself or through others, against `shipped`.

    A package that is shipped stays as it is, so what it asks for is not followed.
    """
    found, seen, waiting = {}, set(), [(name, extra)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for line in importlib.metadata.requires(name) or []:
            wanted = Requirement(line)
            if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
                continue
            version = shipped.get(canonicalize_name(wanted.name))
            if version is None:
                waiting += [(wanted.name, one) for one in ("", *wanted.extras)]
            elif not wanted.specifier.contains(version, prereleases=True):
                found[wanted.name] = f"{name} asks for {wanted}, Colab has {version}"
    return found


@pytest.mark.parametrize("extra", ["labs", "app"])
def test_what_they_ask_for_admits_it_too(extra: str, colab: dict) -> None:
    assert not refused("mmcourse", extra, colab)


def test_a_requirement_of_a_requirement_is_seen(colab: dict) -> None:
    """open_clip_torch is not shipped, and asks for timm, which is."""
    assert "open-clip-torch" not in colab
    old = {**colab, "timm": Version("0.9")}
    assert "asks for timm" in refused("mmcourse", "labs", old)["timm"]


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
