"""Move the repository's address: python tools/set_address.py https://github.com/OWNER/NAME

The one place that counts is Homepage in pyproject.toml. Notebooks and pages must spell the address
out, since Colab and the web know nothing of pyproject.toml; this rewrites them to match.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

FORMS = (
    "https://github.com/{owner}/{name}",
    "colab.research.google.com/github/{owner}/{name}",
    "raw.githubusercontent.com/{owner}/{name}",
    "https://{owner}.github.io/{name}",
)


def parts(address: str) -> dict[str, str]:
    """Split an address into owner and name."""
    found = re.fullmatch(r"https://github\.com/([\w.-]+)/([\w.-]+)", address)
    if not found:
        raise ValueError(f"got {address!r}, expected https://github.com/OWNER/NAME")
    return {"owner": found[1], "name": found[2]}


def main() -> None:
    """Rewrite every tracked text file that names the old address."""
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/set_address.py https://github.com/OWNER/NAME")
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    old, new = parts(project["urls"]["Homepage"]), parts(sys.argv[1])
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        file = Path(name)
        try:
            before = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        after = before
        for form in FORMS:
            after = after.replace(form.format(**old), form.format(**new))
        if after != before:
            file.write_text(after, encoding="utf-8")
            print(f"changed {name}")


if __name__ == "__main__":
    main()
