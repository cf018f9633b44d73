"""What `story.py` measures of texts and memory: nothing is drawn."""

from __future__ import annotations

from _story_pictures import Told, tell

from mmcourse.story.context import build
from mmcourse.story.framework import run
from mmcourse.story.measure.pages import Tally
from mmcourse.story.measure.remembering import newest_first, remembered, truths
from mmcourse.story.measure.telling import contradicted, read_back
from mmcourse.story.state import State

LONG = (10, 20, 40)
BUDGETS = (50, 100, 200, 400)
UNLIMITED = 1_000_000
WEIGHED = ("possessions", "promises", "goals", "relations", "events")
"""The parts of the ledger that a reader of the text must find, for mistakes hide in them."""
Tallies = dict[str, Tally]


def text_of(told: Told) -> Tallies:
    """Stories whose text contradicts itself, as it was written and as it is read back; the same
    when the scenes come in another order; and how much of what was written is read."""
    path = told.story.path()
    extractor = told.teller.team.extractor()[0]
    read = read_back(extractor, [node.text for node in path])
    backwards = read_back(extractor, [node.text for node in path[::-1]])
    meant = [{f.triple for f in node.facts if f.part in WEIGHED} for node in path]
    told_ = [{f.triple for f in facts} for facts in read]
    both = sum(len(a & b) for a, b in zip(meant, told_, strict=True))
    return {
        "written": Tally(float(bool(contradicted([n.facts for n in path]))), 1.0),
        "read": Tally(float(bool(contradicted(read))), 1.0),
        "read_backwards": Tally(float(bool(contradicted(backwards))), 1.0),
        "reader": Tally(float(both), float(sum(map(len, meant)))),
    }


def undone(told: Told) -> Tallies:
    """The reader goes back to the second scene and takes another way. Of what somebody believes
    who remembers every scene that was ever told, what is not true here; the same for the path."""
    teller, story = told.teller, told.story
    length = len(story.path())
    other = teller.branch(story, story.path()[1].id)
    while len(other.path()) < length:
        ways = other.node(other.current).choices
        choice = ways[-1] if ways else None
        other = run(teller.go_on(other, choice=choice, left=length - len(other.path()) - 1))
    every = [*other.nodes.values()]
    here = {f.triple for f in truths(other.state())}
    careless = State(tuple(f for n in every for f in n.facts), tuple(n.id for n in every))
    out = {}
    for name, state in (("path", other.state()), ("everything", careless)):
        believed = {f.triple for f in truths(state)}
        out[f"undone_{name}"] = Tally(float(len(believed - here)), float(len(believed)))
    as_one = contradicted([n.facts for n in every])
    return {**out, "undone_contradicts": Tally(float(bool(as_one)), 1.0)}


def long_story(number: int, seed: int, longest: int = LONG[-1]) -> Tallies:
    """A long story: contradictions in it, and what of the truth a context holds as it grows.

    After each length every budget is tried; `ours` is the package's context, `window` the last
    scenes alone. Promises and goals, which no later page tells again, are counted apart as well.
    """
    told = tell(number, seed, longest, drawn=False)
    out = {f"long_{k}": x for k, x in text_of(told).items()}
    path = told.story.path()
    for length in (n for n in LONG if n <= longest):
        at = path[length - 1].id
        facts = truths(told.story.state(at))
        waiting = tuple(f for f in facts if f.attribute in ("promised", "wants"))
        for budget in (*BUDGETS, UNLIMITED):
            for name, context in (
                ("ours", build(told.story, at, budget=budget)),
                ("window", newest_first(told.story, at, budget)),
            ):
                key = f"{name}_{length}_{'all' if budget == UNLIMITED else budget}"
                out[f"facts_{key}"] = remembered(context, facts)
                out[f"promises_{key}"] = remembered(context, waiting)
        out[f"true_{length}"] = Tally(float(len(facts)), 1.0)
        out[f"tokens_{length}"] = Tally(float(newest_first(told.story, at, UNLIMITED).tokens), 1.0)
    return out
