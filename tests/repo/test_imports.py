"""Imports point backwards, as the chapters do."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

# Each part may import itself and the parts before it. All foundations share the first place.
CHAPTERS = ["joint", "vqvae", "vqgan", "diffusion", "dit", "lora", "story"]
LAST = ["exercises", "cli", "__main__"]
RANK = {name: place for place, name in enumerate([*CHAPTERS, *LAST], start=1)}
HEAVY = {"transformers", "peft", "diffusers", "gradio"}
HEAVY_PARTS = {"lora", "story"}
# Who may ask the judge: whoever measures, as the name says (`measure`, `prior_measure`). It is no
# loss, no features, and not the app's checker.
MEASURING = {"cli", "evaluate", "measure"}


# StoryWorld's rooms: what each may import of the others. `dataset` and the package's own names come
# last.
ROOMS = {
    "world": {"world"},
    "drawing": {"world", "drawing"},
    "language": {"world", "language"},
    "judge": {"world", "drawing", "language", "dataset", "judge"},
}


def imports_of(source: str, module: str) -> set[str]:
    """Absolute names of the modules that `source`, itself the module `module`, imports."""
    package = module.split(".")[:-1]
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            # `from mmcourse import joint` imports a part by name, and so may StoryWorld's judge be;
            # elsewhere the base is enough.
            names = {f"{start}.{alias.name}" for alias in node.names}
            found |= names if start in ("mmcourse", "mmcourse.storyworld") else {start}
    return found


def part_of(module: str) -> str:
    """The part that a module of the package belongs to: "joint" for mmcourse.joint.losses."""
    return module.split(".")[1] if "." in module else ""


def is_judge(module: str) -> bool:
    """Whether this is the judge, its training or its measurement."""
    return module.startswith("mmcourse.storyworld.judge")


def complaint(module: str, imported: str) -> str | None:
    """What is wrong with one import, or None."""
    here = part_of(module)
    room = ".".join(module.split(".")[2:3]) if here == "storyworld" else ""
    if room in ROOMS and imported.startswith("mmcourse.storyworld"):
        other = ".".join(imported.split(".")[2:3])
        if other not in ROOMS[room]:
            return (
                f"{module} imports {imported}: {room} may import {', '.join(sorted(ROOMS[room]))}"
            )
    top = imported.split(".")[0]
    if is_judge(imported) and not (
        is_judge(module) or MEASURING & set(module.split(".")[-1].split("_"))
    ):
        return f"{module} imports {imported}: only {', '.join(sorted(MEASURING))} may"
    if top in HEAVY and here not in HEAVY_PARTS:
        return f"{module} imports {imported}: only {', '.join(sorted(HEAVY_PARTS))} may"
    if here == "nn" and top not in {"torch", "mmcourse", *sys.stdlib_module_names}:
        return f"{module} imports {imported}: nn imports torch alone"
    if top != "mmcourse":
        return None
    there = part_of(imported)
    if here == "nn" and there != "nn":
        return f"{module} imports {imported}: nn imports torch alone"
    if there == "exercises" and here not in {"exercises", "cli", "__main__"}:
        return f"{module} imports {imported}: only cli imports exercises"
    if here != there and RANK.get(there, 0) > RANK.get(here, 0):
        return f"{module} imports {imported}, which comes later in the book"
    return None


def modules(root: Path) -> list[tuple[str, str]]:
    """Name and source of every module of the package."""
    found = []
    for file in sorted((root / "mmcourse").rglob("*.py")):
        name = ".".join(file.relative_to(root).with_suffix("").parts)
        found.append((name, file.read_text(encoding="utf-8")))
    return found


def test_imports_point_backwards(root: Path) -> None:
    found = modules(root)
    assert found
    wrong = [
        words
        for module, source in found
        for imported in sorted(imports_of(source, module))
        if (words := complaint(module, imported))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("mmcourse.joint.model", "from mmcourse.vqvae import quantizer"),
        ("mmcourse.joint.model", "from ..vqvae.quantizer import VQ"),
        ("mmcourse.storyworld.judge.network", "from mmcourse import joint"),
        ("mmcourse.hub", "def f():\n    import mmcourse.dit.blocks"),
        ("mmcourse.joint.model", "import transformers"),
        ("mmcourse.nn.attention", "import numpy"),
        ("mmcourse.nn.attention", "from mmcourse.training import seed"),
        ("mmcourse.story.app", "from mmcourse.exercises import grader"),
        ("mmcourse.exercises.grader", "from mmcourse import cli"),
        ("mmcourse.lab", "from .cli import app"),
        ("mmcourse.vqgan.losses", "from mmcourse.storyworld.judge.network import Judge"),
        ("mmcourse.dit.train", "from mmcourse.storyworld import judge"),
        ("mmcourse.dit.train", "from mmcourse.storyworld.judge import network"),
        ("mmcourse.diffusion.train", "import mmcourse.storyworld.judge.network as j"),
        ("mmcourse.joint.train", "from mmcourse.storyworld.judge.train import worn"),
        ("mmcourse.story.checks", "from ..storyworld.judge import Judge"),
        ("mmcourse.storyworld.language.check", "from ..judge.network import Judge"),
        ("mmcourse.storyworld", "from mmcourse.storyworld.judge.network import Judge"),
        ("mmcourse.storyworld.world.identity", "from mmcourse.storyworld.drawing.paint import lit"),
        ("mmcourse.storyworld.drawing.stage", "from mmcourse.storyworld.language import words"),
        ("mmcourse.storyworld.language.tell", "from mmcourse.storyworld import render"),
        ("mmcourse.storyworld.world.facts", "from ..language.words import BARE"),
    ],
)
def test_a_forward_import_is_seen(module: str, source: str) -> None:
    assert any(complaint(module, imported) for imported in imports_of(source, module))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("mmcourse.dit.model", "from mmcourse.diffusion import schedule"),
        ("mmcourse.joint.model", "from .losses import clip_loss"),
        ("mmcourse.lora.clip", "import transformers"),
        ("mmcourse.cli", "from mmcourse.exercises import check"),
        ("mmcourse.storyworld.language.tell", "from mmcourse.storyworld.world import scene"),
        ("mmcourse.dit.evaluate", "from mmcourse.storyworld.judge.network import Judge"),
        (
            "mmcourse.storyworld.judge.measure",
            "from mmcourse.storyworld.judge.network import Judge",
        ),
        ("mmcourse.vqvae.train", "from mmcourse.storyworld import render, sample_scene"),
        ("mmcourse.nn.attention", "import math\nimport torch\nfrom .embeddings import sincos"),
    ],
)
def test_a_backward_import_is_fine(module: str, source: str) -> None:
    assert not [words for i in imports_of(source, module) if (words := complaint(module, i))]


def test_the_package_imports_without_heavy_libraries() -> None:
    ask = f"import sys, mmcourse; print(*(set({sorted(HEAVY)}) & sys.modules.keys()))"
    answer = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, check=True
    ).stdout
    assert answer.strip() == ""
