"""Build the wheel and unpack it into a folder of its own, as `pip install mmcourse` would."""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path


def main() -> None:
    """Build into OUT/wheel, install without dependencies into OUT/site."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("_build"))
    out = parser.parse_args().out
    wheels, site = out / "wheel", out / "site"
    for folder in (wheels, site):
        shutil.rmtree(folder, ignore_errors=True)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(wheels)]
    subprocess.run([*build, "."], check=True, stdout=subprocess.DEVNULL)
    (wheel,) = wheels.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--no-deps", "--target", str(site)]
    subprocess.run([*pip, str(wheel)], check=True)
    print(f"{wheel} ({wheel.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
