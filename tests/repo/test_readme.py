"""What the README says of the shipped weights is what their cards say."""

import json
import re
from pathlib import Path

ROW = re.compile(r"^\| `([\w-]+)` \| [^|]+ \| ([^|]+) \| (\d+) min \|$", re.MULTILINE)


def test_the_table_of_weights_is_that_of_the_cards():
    cards = [json.loads(file.read_text()) for file in Path("mmcourse/weights").glob("*/card.json")]
    made = {card["name"]: (card["device"], round(card["wall_time_s"] / 60)) for card in cards}
    rows = ROW.findall(Path("README.md").read_text(encoding="utf-8"))
    told = {name: (device, int(minutes)) for name, device, minutes in rows}
    assert told == made, "new weights? Add their row to README.md, What needs a GPU"
