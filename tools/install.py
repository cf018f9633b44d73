"""Make the virtual environment and install the package with its pinned dependencies into it.

Runs under the system's Python, so it uses the standard library only.
"""

import argparse
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

NEEDED_GB = 8  # the CUDA build of PyTorch with its libraries takes most of it


def check_machine(venv: Path) -> None:
    """Stop with one line that says what to do where the environment cannot be made."""
    version = ".".join(map(str, sys.version_info[:3]))
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        sys.exit(
            f"Python {version} found, 3.11 to 3.13 needed: make ... PYTHON=/path/to/python3.13"
        )
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit("this Python cannot make virtual environments: apt-get install python3-venv")
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    if not venv.is_dir() and free < NEEDED_GB:
        sys.exit(
            f"{free:.1f} GB of disk free, about {NEEDED_GB} GB needed: make room and try again"
        )


def usable(python: Path) -> bool:
    """Whether the environment's interpreter runs and has the version of the one running this."""
    ask = [str(python), "-c", "import sys, pip; print(sys.version_info[:2])"]
    try:
        answer = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return False
    return answer == str(sys.version_info[:2])


def main() -> None:
    """Make the environment if there is none that works, then install."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, required=True)
    parser.add_argument("--constraints", required=True)
    parser.add_argument("--extras", required=True)
    options = parser.parse_args()

    check_machine(options.venv)
    python = options.venv / "bin" / "python"
    if not usable(python):
        make = [sys.executable, "-m", "venv", "--clear", str(options.venv)]
        subprocess.run(make, check=True)
    pip = [str(python), "-m", "pip", "install", "-qq", "--constraint", options.constraints]
    # The build tools are installed first and used without isolation, so that they are pinned too.
    build_tools = ["pip", "hatchling", "editables"]
    package = ["--no-build-isolation", "--editable", f".[{options.extras}]"]
    for what in (["--upgrade", *build_tools], package):
        if subprocess.run([*pip, *what], check=False).returncode:
            sys.exit(f"pip could not install {what[-1]}: its message is above")


if __name__ == "__main__":
    main()
