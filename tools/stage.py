"""Run one stage of the build: print a heading, run the command, print how long it took.

    python tools/stage.py "Types" -- mypy
    python tools/stage.py "Labs" --stamp KEY --inputs mmcourse notebooks --output FILE -- COMMAND

With --stamp the stage is skipped while its output exists and the content of its inputs, the
command and Python's version are what they were when it last passed. A stage that fails leaves no
stamp, so it runs again.
"""

import argparse
import hashlib
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

IGNORED = {"__pycache__", ".ipynb_checkpoints", ".DS_Store"}


def key_of(inputs: tuple[Path, ...], command: list[str]) -> str:
    """Hash what a stage depends on: names and bytes of its input files, and the command."""
    digest = hashlib.sha256(repr((command, sys.version_info[:2])).encode())
    for top in inputs:
        files = sorted(top.rglob("*")) if top.is_dir() else [top]
        for file in files:
            if file.is_file() and not IGNORED.intersection(file.parts):
                digest.update(f"\0{file.as_posix()}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


@dataclass(frozen=True)
class Stage:
    """A command, and how to know that it need not run again."""

    name: str
    command: list[str]
    stamp: Path | None = None
    inputs: tuple[Path, ...] = ()
    output: Path | None = None

    def passed(self, key: str) -> bool:
        """Whether it last passed with this key and what it made is still there."""
        if not self.stamp or not self.stamp.is_file() or (self.output and not self.output.exists()):
            return False
        return self.stamp.read_text().strip() == key


def run(stage: Stage) -> int:
    """Run the stage unless nothing changed since it last passed. Returns the exit status."""
    key = key_of(stage.inputs, stage.command)
    if stage.passed(key):
        print(f"==> {stage.name}: unchanged, skipped", flush=True)
        return 0
    if stage.stamp:
        stage.stamp.unlink(missing_ok=True)
    print(f"==> {stage.name}", flush=True)
    began = time.monotonic()
    status = subprocess.run(stage.command, check=False).returncode
    took = f"{time.monotonic() - began:.1f} s"
    print(f"    {stage.name}: {took if status == 0 else 'FAILED after ' + took}", flush=True)
    if stage.stamp and status == 0:
        stage.stamp.parent.mkdir(parents=True, exist_ok=True)
        stage.stamp.write_text(key + "\n")
    return status


def main() -> int:
    """Read the command line and run the stage."""
    parser = argparse.ArgumentParser(description="Run one stage of the build.")
    parser.add_argument("name")
    parser.add_argument("--stamp", type=Path)
    parser.add_argument("--inputs", type=Path, nargs="*", default=[])
    parser.add_argument("--output", type=Path)
    if "--" not in sys.argv:
        parser.error("put the command after --")
    split = sys.argv.index("--")
    options = parser.parse_args(sys.argv[1:split])
    command = sys.argv[split + 1 :]
    inputs = tuple(options.inputs)
    return run(Stage(options.name, command, options.stamp, inputs, options.output))


if __name__ == "__main__":
    sys.exit(main())
