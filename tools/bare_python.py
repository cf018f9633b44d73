"""A Python with the packages of the one that runs, but without its links to working copies.

An editable install puts the repository on the path by a .pth file. A lab run by such a Python
could import what the wheel lacks, and nobody would notice. A folder that is named in a .pth file
is put on the path, and the .pth files inside it are not read: so this environment holds one that
names the unpacked wheel and the packages.
"""

import sys
import sysconfig
import venv
from pathlib import Path


def make(folder: Path, site: Path) -> Path:
    """Make a virtual environment in `folder` that sees `site` first. Returns its interpreter."""
    venv.create(folder, symlinks=True)
    packages = dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))
    own, programs = (
        Path(sysconfig.get_path(kind, "venv", {"base": str(folder)}))
        for kind in ("purelib", "scripts")
    )
    (own / "labs.pth").write_text("\n".join([str(site.resolve()), *packages]) + "\n")
    return programs / Path(sys.executable).name
