"""The repository's address stands at one place, pyproject.toml, and everything else agrees."""

import re
from pathlib import Path

import pytest
import yaml

HOSTS = r"(?:github\.com|colab\.research\.google\.com/github|raw\.githubusercontent\.com)"


def addresses(text: str, name: str) -> set[tuple[str, str]]:
    """Owner and name of every address in `text` of a repository that is called `name`."""
    called = rf"({re.escape(name)})(?![\w-])"
    found = set(re.findall(rf"{HOSTS}/([\w.-]+)/{called}", text))
    return found | set(re.findall(rf"https://([\w-]+)\.github\.io/{called}", text))


@pytest.fixture(scope="module")
def home(project: dict) -> tuple[str, str]:
    """Owner and name of the repository."""
    found = re.fullmatch(r"https://github\.com/([\w.-]+)/([\w.-]+)", project["urls"]["Homepage"])
    assert found, "Homepage must be https://github.com/OWNER/NAME"
    return found[1], found[2]


def test_every_address_is_the_projects(texts: dict[Path, str], home: tuple[str, str]) -> None:
    wrong = {
        str(file): sorted(other)
        for file, text in texts.items()
        if "tests" not in file.parts and (other := addresses(text, home[1]) - {home})
    }
    assert not wrong, f"{wrong}: run tools/set_address.py"


def test_the_book_names_the_projects_address(root: Path, project: dict) -> None:
    """The book reads pyproject.toml itself; where its config names an address too, it agrees."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    homepage = project["urls"]["Homepage"]
    assert config.get("repository", {}).get("url", homepage) == homepage


def test_wheels_are_named_by_this_version(texts: dict[Path, str], root: Path) -> None:
    version = re.findall(r'"(.+)"', (root / "mmcourse/_version.py").read_text(encoding="utf-8"))[0]
    for file, text in texts.items():
        for tag, wheel in re.findall(r"releases/download/v([\w.]+)/mmcourse-([\w.]+)-py3", text):
            assert tag == wheel == version, f"{file} names the wheel of {wheel}, this is {version}"


def test_a_stray_owner_is_seen() -> None:
    text = "see https://github.com/someone/mmcourse/issues and https://other.github.io/mmcourse/"
    assert addresses(text, "mmcourse") == {("someone", "mmcourse"), ("other", "mmcourse")}
    assert addresses("https://github.com/mlfoundations/open_clip", "mmcourse") == set()
    assert addresses("https://github.com/someone/mmcourse-extras", "mmcourse") == set()
