"""Execute every lab once, as a reader's machine would, and keep the result for the book.

The notebooks are copied to an empty folder outside the repository and run there by nbmake
against the unpacked wheel, by a Python that does not know the repository. The executed copies,
with what they took, go to OUT; the book is built from a cache that is filled with them, so nothing
is executed twice.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import bare_python
import nbformat
from jupyter_cache import get_cache

from mmcourse.cards import device_name

MEMORY_LIMIT_GB = 4.0
MINUTES_LIMIT = {"ch04": 5.0, "ch05": 5.0, "ch06": 5.0, "ch07": 5.0}  # every other lab: 3
CELL_TIMEOUT_S = 900


def execute(folder: Path, site: Path, tier: str, jobs: int) -> int:
    """Run the notebooks in `folder` in place. Returns pytest's exit status."""
    startup = folder.parent / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("lab_probe.py"), startup / "00-probe.py")
    (folder.parent / "probe").mkdir()
    environment = {
        **os.environ,
        "IPYTHONDIR": str(folder.parent / "ipython"),
        "MMCOURSE_INSTALLED": os.pathsep.join([str(site.resolve()), sys.prefix]),
        "MMCOURSE_HOME": str(folder.parent / "home"),  # not the learner's own progress
        "MMCOURSE_PROBE": str(folder.parent / "probe"),
        "MMCOURSE_REPOSITORY": str(Path.cwd()),
        "MMCOURSE_TIER": tier,
        "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // jobs)),
    }
    environment.pop("PYTHONPATH", None)
    python = bare_python.make(folder.parent / "python", site)
    command = [str(python), "-m", "pytest", "--nbmake", "--overwrite", "-n", str(jobs)]
    command += [f"--nbmake-timeout={CELL_TIMEOUT_S}", "-p", "no:cacheprovider", "."]
    return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


def measure(probes: Path, tier: str, jobs: int) -> dict:
    """Read the kernels' notes into one object, keyed by chapter, and warn of overruns."""
    labs = {}
    for file in sorted(probes.glob("*.json")):
        notes, chapter = json.loads(file.read_text()), file.stem.split("_")[0]
        limit = MINUTES_LIMIT.get(chapter, 3.0)
        minutes = round(notes["seconds"] / 60, 2)
        over = []
        if minutes > limit:
            over.append(f"{minutes:.1f} minutes, limit {limit:g}")
        if notes["memory_gb"] > MEMORY_LIMIT_GB:
            over.append(f"{notes['memory_gb']:.1f} GB, limit {MEMORY_LIMIT_GB:g}")
        for reason in over:
            print(f"    warning: {file.stem} takes {reason}")
        labs[chapter] = {
            "notebook": f"{file.stem}.ipynb",
            "minutes": minutes,
            "memory_gb": notes["memory_gb"],
            "package": notes["package"],
            "repository_files": notes["repository_files"],
            "limit_minutes": limit,
            "limit_memory_gb": MEMORY_LIMIT_GB,
            "over": over,
        }
        print(f"    {file.stem}: {minutes:.1f} minutes, {notes['memory_gb']:.1f} GB")
    return {"tier": tier, "device": device_name("cpu"), "at_once": jobs, "labs": labs}


def fill_cache(cache: Path, notebooks: list[Path], out: Path) -> None:
    """Enter the executed copies, so that the book finds the outputs of every lab."""
    store = get_cache(cache)
    for notebook in notebooks:
        copy = out / notebook.name
        executed = nbformat.read(copy, as_version=4)
        for cell in executed.cells:
            # The times of execution would make the copy another notebook to the cache.
            cell.metadata.pop("execution", None)
        nbformat.write(executed, copy)
        store.cache_notebook_file(copy, check_validity=False)
        store.match_cache_notebook(nbformat.read(notebook, as_version=4))  # KeyError: not found


def main() -> int:
    """Copy, execute, measure, cache. Returns 0 when every lab ran to its end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notebooks", type=Path, default=Path("notebooks"))
    parser.add_argument("--out", type=Path, default=Path("_build"))
    parser.add_argument("--tier", default="cpu")
    parser.add_argument("--jobs", type=int, default=1, help="labs to run at the same time")
    options = parser.parse_args()

    out, cache = options.out / "labs", options.out / ".jupyter_cache"
    notebooks = sorted(options.notebooks.glob("*.ipynb"))
    jobs = max(1, min(options.jobs, len(notebooks)))
    for folder in (out, cache):
        shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="mmcourse-") as scratch:
        folder = Path(scratch) / "labs"
        folder.mkdir()
        for notebook in notebooks:
            shutil.copy(notebook, folder)
        status = execute(folder, options.out / "site", options.tier, jobs)
        shutil.copytree(folder, out)  # also after a failure: the outputs show where it stopped
        measured = measure(Path(scratch) / "probe", options.tier, jobs)
    (out / "measured.json").write_text(json.dumps(measured, indent=2) + "\n")
    if status == 0:
        fill_cache(cache, notebooks, out)
    return status


if __name__ == "__main__":
    sys.exit(main())
