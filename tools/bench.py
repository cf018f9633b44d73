"""Run every benchmark and keep its JSON beside it, for the table and the claims of the book."""

import json
import subprocess
import sys
from pathlib import Path

FOLDER = Path("benchmarks")
KEYS = {"quantity", "ours", "peer", "ratio", "better", "sizes", "versions", "threads"}


def run(script: Path) -> dict:
    """One benchmark's object. A missing key is an error, so that no table has holes."""
    command = [sys.executable, str(script), "--json"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result = json.loads(answer)
    missing = KEYS - result.keys()
    if missing:
        raise ValueError(f"{script} printed no {', '.join(sorted(missing))}: add what is missing")
    return result


def main() -> None:
    """Run them one after another, so that they do not disturb each other's times."""
    for script in sorted(FOLDER.glob("[a-z]*.py")):
        result = run(script)
        script.with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n")
        print(
            f"{script.stem}: {result['quantity']}, ours / peer = {result['ratio']:.3g}", flush=True
        )


if __name__ == "__main__":
    main()
