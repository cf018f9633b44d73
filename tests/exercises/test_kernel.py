"""In a real Jupyter kernel: cards are shown, and no answer ends the notebook."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")

SETUP = """
import os, time
import torch
import torch.nn.functional as F
from mmcourse.exercises import exercise
scale_of_nothing = 1.0
"""

STUB = """
@exercise("ch01.recall_at_k")
def recall_at_k(similarity, k):
    \"\"\"Share of rows whose match is among the k best.\"\"\"
    raise NotImplementedError

recall_at_k.check()
"""

USED = "print('recall', recall_at_k(torch.eye(4), 1))"

RIGHT = """
def both_ways(logits):
    y = torch.arange(len(logits), device=logits.device)
    return F.cross_entropy(logits, y) + F.cross_entropy(logits.T, y)

@exercise("ch01.clip_loss")
def clip_loss(text_emb, image_emb, logit_scale):
    print("<b>shape</b>", tuple(text_emb.shape))
    return scale_of_nothing * both_ways(logit_scale * text_emb @ image_emb.T) / 2

clip_loss.check()
"""

WRONG = """
@exercise("ch01.clip_loss")
def clip_loss(text_emb, image_emb, logit_scale):
    logits = text_emb @ image_emb.T / logit_scale
    y = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, y) + F.cross_entropy(logits.T, y)) / 2

clip_loss.check()
clip_loss.hint()
clip_loss.solution()
"""

HANGS = """
@exercise("ch01.clip_loss")
def clip_loss(text_emb, image_emb, logit_scale):
    logits = text_emb @ image_emb.T
    while logits is not None:
        time.sleep(0.1)

clip_loss.check()
"""

EXITS = """
@exercise("ch01.clip_loss")
def clip_loss(text_emb, image_emb, logit_scale):
    os._exit(1)

clip_loss.check()
"""

MISTYPED = """
@exercise("ch01.clip_loss")
def clip_loss(text_emb, image_emb, logit_scale):
    return F.cros_entropy(text_emb, image_emb)

clip_loss.check()
"""


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Outputs of each cell, executed once."""
    home = tmp_path_factory.mktemp("home")
    sources = {
        "setup": SETUP, "stub": STUB, "used": USED, "right": RIGHT, "wrong": WRONG,
        "hangs": HANGS, "exits": EXITS, "mistyped": MISTYPED, "alive": "print('alive')",
    }  # fmt: skip
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in sources.values()]
    )
    env = {**os.environ, "MMCOURSE_HOME": str(home), "MMCOURSE_CHECK_SECONDS": "8"}
    env["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
    client = nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3")
    client.execute(env=env)
    return dict(zip(sources, (cell.outputs for cell in notebook.cells)))


def html_of(outputs: list[Any]) -> str:
    return "".join(o["data"]["text/html"] for o in outputs if o["output_type"] == "display_data")


def test_a_stub_is_not_attempted_and_the_book_answers(cells: dict[str, Any]) -> None:
    (card,) = cells["stub"]
    assert card["metadata"]["mmcourse"]["exercise"] == {
        "name": "ch01.recall_at_k",
        "status": "not attempted",
    }
    assert "Recall at k: not attempted" in card["data"]["text/html"]
    assert "NOT ATTEMPTED" in card["data"]["text/plain"]
    assert "recall 1.0" in cells["used"][0]["text"]


def test_a_right_answer_passes_with_its_helpers_and_globals(cells: dict[str, Any]) -> None:
    html = html_of(cells["right"])
    assert "The contrastive loss: passed" in html
    assert "What it printed" in html
    assert "&lt;b&gt;shape&lt;/b&gt;" in html
    assert "<b>shape" not in html


def test_a_wrong_answer_is_told_why(cells: dict[str, Any]) -> None:
    html = html_of(cells["wrong"])
    assert "Known mistake: divides by the scale" in html
    assert "hint 1 of 3" in html
    assert "<details" in html
    assert "def clip_loss(" in html


def test_answers_that_hang_or_exit_leave_the_kernel_alone(cells: dict[str, Any]) -> None:
    hangs = html_of(cells["hangs"])
    assert "still running after 8 seconds" in hangs
    assert "in clip_loss: " in hangs
    assert "exit code 1" in html_of(cells["exits"])
    assert cells["alive"][0]["text"].startswith("alive")


def test_the_learners_line_is_shown(cells: dict[str, Any]) -> None:
    html = html_of(cells["mistyped"])
    assert "AttributeError" in html
    assert "line 3, in clip_loss: return F.cros_entropy(text_emb, image_emb)" in html
