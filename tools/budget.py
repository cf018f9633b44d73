"""Copy what the labs took in their last run into notebooks/budget.json, which their banners print.

Keys that a run on this machine cannot know (download size, the T4 estimate) are kept as they are.
"""

import datetime
import json
from pathlib import Path

MEASURED = Path("_build/labs/measured.json")
BUDGET = Path("notebooks/budget.json")


def merge(budget: dict, measured: dict, today: str) -> dict:
    """The budget with fresh minutes, memory and device for every lab that was measured."""
    for chapter, lab in measured["labs"].items():
        entry = budget.setdefault(chapter, {"download_mb": 0, "t4_minutes_estimate": None})
        entry |= {"minutes": round(lab["minutes"], 1), "memory_gb": round(lab["memory_gb"], 1)}
        entry |= {"device": measured["device"], "measured": today}
    return budget


def main() -> None:
    """Rewrite the budget in place."""
    budget = json.loads(BUDGET.read_text())
    merge(budget, json.loads(MEASURED.read_text()), datetime.date.today().isoformat())
    BUDGET.write_text(json.dumps(budget, indent=2) + "\n")
    print(f"wrote {BUDGET}; the next build executes the labs again, since their banners changed")


if __name__ == "__main__":
    main()
