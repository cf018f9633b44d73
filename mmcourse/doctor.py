"""`mmcourse doctor`: look a machine over, say in plain words what is fine and what is missing."""

import importlib.metadata
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Level = Literal["essential", "optional"]

PYTHON = ((3, 11), (3, 13))  # first and last version that the course is tested on
MEMORY_GB = 4.0  # the most that a lab takes at the cpu tier
DISK_GB = 2.0  # checkpoints, an executed copy of the labs and the book
WEIGHTS = Path(__file__).parent / "weights"

# What each optional group of packages is for; the packages themselves stand in pyproject.toml.
EXTRAS = {
    "labs": "the labs, `mmcourse train`, `mmcourse check`",
    "export": "`mmcourse export`",
    "app": "`mmcourse app`, `mmcourse story`, `make app`",
    "narration": "a story read aloud, in the app and in a film",
    "film": "a story exported as MP4",
    "book": "`make book`",
    "test": "`make test`, `make lint`",
    "bench": "`make bench`",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `level` says whether the course can do without it.

    `remedy` is what to do about it, empty when all is well.
    """

    name: str
    ok: bool
    level: Level
    message: str
    remedy: str = ""


def python() -> Finding:
    """Whether this Python is one that the course is tested on."""
    version = ".".join(map(str, sys.version_info[:3]))
    first, last = (".".join(map(str, bound)) for bound in PYTHON)
    ok = PYTHON[0] <= sys.version_info[:2] <= PYTHON[1]
    remedy = "" if ok else f"install Python {first} to {last} and make the environment with it"
    return Finding("Python", ok, "essential", f"version {version}", remedy)


def torch() -> Finding:
    """Whether PyTorch imports, and what it computes on."""
    try:
        import torch

        from mmcourse.devices import usable_cpus
    except (ImportError, OSError) as error:
        return Finding(
            "PyTorch", False, "essential", f"does not import: {error}", "pip install torch"
        )
    if torch.cuda.is_available():
        gpu = torch.cuda.get_device_properties(0)
        bf16 = "with" if torch.cuda.is_bf16_supported(including_emulation=False) else "without"
        device = f"{gpu.name}, {gpu.total_memory / 1e9:.0f} GB, {bf16} bf16"
    else:
        device = f"{usable_cpus()} CPU cores, {torch.get_num_threads()} threads; no CUDA GPU"
    return Finding("PyTorch", True, "essential", f"version {torch.__version__} on {device}")


def memory() -> Finding:
    """Whether the machine has the memory that a lab takes at the cpu tier."""
    try:
        from mmcourse.devices import usable_memory
    except (ImportError, OSError):  # no torch: told above
        return Finding("Memory", True, "optional", "not looked at without PyTorch")
    usable = usable_memory()
    if usable is None:
        return Finding("Memory", True, "optional", "this system does not say how much it has")
    total = usable / 1e9
    ok = total >= MEMORY_GB
    remedy = (
        ""
        if ok
        else f"labs take up to {MEMORY_GB:g} GB: close programs, give the container more, or use "
        "Colab"
    )
    return Finding("Memory", ok, "optional", f"{total:.1f} GB", remedy)


def disk() -> Finding:
    """Whether the current folder's disk has room."""
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    ok = free >= DISK_GB
    remedy = "" if ok else f"free at least {DISK_GB:g} GB, or work in a folder on another disk"
    return Finding("Disk", ok, "optional", f"{free:.1f} GB free", remedy)


def writable() -> Finding:
    """Whether files can be written in the current folder."""
    try:
        with tempfile.TemporaryFile(dir=Path.cwd()) as file:
            file.write(b"mmcourse")
    except OSError as error:
        remedy = "change to a folder of your own"
        return Finding("Write access", False, "essential", f"{Path.cwd()}: {error}", remedy)
    return Finding("Write access", True, "essential", f"{Path.cwd()} can be written")


def lacking(extra: str) -> list[str]:
    """The requirements of an optional group that this environment does not meet."""
    from packaging.requirements import Requirement

    missing = []
    for line in importlib.metadata.requires("mmcourse") or []:
        wanted = Requirement(line)
        if wanted.marker is None or not wanted.marker.evaluate({"extra": extra}):
            continue
        if wanted.marker.evaluate({"extra": ""}):
            continue  # a requirement of the core, whatever the group
        if wanted.name == "mmcourse":
            for group in sorted(wanted.extras):
                missing += lacking(group)
            continue
        try:
            have = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(wanted.name)
            continue
        if not wanted.specifier.contains(have, prereleases=True):
            missing.append(f"{wanted.name} {wanted.specifier} (found {have})")
    return list(dict.fromkeys(missing))


def extra(name: str) -> Finding:
    """Whether one optional group of packages is there, and what it is for."""
    title = f"Extra [{name}]"
    try:
        missing = lacking(name)
    except (importlib.metadata.PackageNotFoundError, ImportError):
        remedy = "pip install mmcourse, or `make book` in a clone"
        return Finding(title, False, "optional", "mmcourse itself is not installed", remedy)
    if missing:
        message = f"missing for {EXTRAS[name]}: {', '.join(missing)}"
        return Finding(title, False, "optional", message, f"pip install 'mmcourse[{name}]'")
    return Finding(title, True, "optional", f"complete, for {EXTRAS[name]}")


def find_chromium() -> str | None:
    """Path of the Chromium that tests drive: $MMCOURSE_CHROMIUM if set, else the first on PATH."""
    names = (os.environ.get("MMCOURSE_CHROMIUM", ""), *BROWSERS)
    return next((path for name in names if name and (path := shutil.which(name))), None)


def chromium() -> Finding:
    """Whether there is a browser for the tests of the rendered book."""
    path = find_chromium()
    if path:
        return Finding("Chromium", True, "optional", f"{path}, for pages and copies")
    message = "not found; only `make pdf`, `make epub` and the browser tests need it"
    return Finding("Chromium", False, "optional", message, "Debian: apt-get install chromium")


def npm() -> Finding:
    """Whether there is an npm to fetch the scripts that the book's pages use."""
    path = shutil.which("npm")
    if path:
        return Finding("npm", True, "optional", f"{path}, for the scripts in the book's pages")
    message = "not found; only `make book` needs it, and installs one in its environment"
    return Finding("npm", False, "optional", message, "Debian: apt-get install npm")


def java() -> Finding:
    """Whether there is a Java for epubcheck."""
    path = shutil.which("java")
    if path:
        return Finding("Java", True, "optional", f"{path}, to check the EPUB")
    message = "not found; only `make epub` and its tests need it"
    return Finding(
        "Java", False, "optional", message, "Debian: apt-get install default-jre-headless"
    )


def broken_weight(folder: Path) -> str | None:
    """Why a folder of shipped weights cannot be used, or None when it can."""
    from safetensors import SafetensorError, safe_open

    try:
        for name in ("config.json", "card.json"):
            json.loads((folder / name).read_text(encoding="utf-8"))
        with safe_open(folder / "model.safetensors", framework="pt") as tensors:
            return None if tensors.keys() else "model.safetensors is empty"
    except FileNotFoundError as error:
        return f"{Path(error.filename or 'model.safetensors').name} is missing"
    except (OSError, ValueError, SafetensorError) as error:
        return str(error).splitlines()[0]


def weights(folder: Path = WEIGHTS) -> Finding:
    """Whether every shipped model has a config, a card and readable tensors."""
    models = sorted(path for path in folder.glob("*") if path.is_dir())
    broken = {path.name: why for path in models if (why := broken_weight(path))}
    remedy = "pip install --force-reinstall --no-deps mmcourse, or `git checkout mmcourse/weights`"
    if not models:
        return Finding("Shipped weights", False, "essential", f"none in {folder}", remedy)
    if broken:
        message = "; ".join(f"{name}: {why}" for name, why in broken.items())
        return Finding("Shipped weights", False, "essential", message, remedy)
    names = ", ".join(path.name for path in models)
    return Finding("Shipped weights", True, "essential", f"{len(models)} readable: {names}")


def report() -> list[Finding]:
    """Look at everything, the essential things first."""
    checks: list[Callable[[], Finding]] = [python, torch, writable, weights, memory, disk]
    findings = [check() for check in checks]
    findings += [extra(name) for name in EXTRAS]
    return [*findings, chromium(), npm(), java()]


def show(findings: list[Finding]) -> None:
    """Print one line per finding, its remedy beneath, and a verdict."""
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        mark = "ok" if finding.ok else ("MISSING" if finding.level == "essential" else "absent")
        print(f"{mark:>7}  {finding.name:<{width}}  {finding.message}")
        if finding.remedy:
            print(f"{'':>7}  {'':<{width}}  -> {finding.remedy}")
    if any(not finding.ok and finding.level == "essential" for finding in findings):
        print("\nSomething essential is missing: see the lines marked MISSING.")
    elif all(finding.ok for finding in findings):
        print("\nEverything is there.")
    else:
        print("\nReady. What is marked absent is needed only where its line says so.")


def main() -> int:
    """Print the report. Returns 1 when something essential is missing, else 0."""
    findings = report()
    show(findings)
    return int(any(not finding.ok and finding.level == "essential" for finding in findings))
