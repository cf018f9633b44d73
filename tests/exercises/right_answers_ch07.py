"""Right answers of chapter 7, written in as many ways as learners find. All of them must pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def true_by_walking_up(parents, told, at):
    found = {}
    while at is not None:
        for who, what, value in reversed(told.get(at, [])):
            found.setdefault((who, what), (value, at))
        at = parents[at]
    return found


def true_by_recursion(parents, told, at):
    before = {} if parents[at] is None else true_by_recursion(parents, told, parents[at])
    return before | {(who, what): (value, at) for who, what, value in told.get(at, ())}


def pack_by_taking_the_best(pieces, budget):
    waiting = dict(enumerate(pieces))
    kept, dropped = [], {}
    while waiting:
        best = max(waiting, key=lambda i: (waiting[i][0], -i))
        _, tokens, scene = waiting.pop(best)
        if scene and any(pieces[i][2] == scene for i in kept):
            dropped[best] = "told already"
        elif sum(pieces[i][1] for i in kept) + tokens > budget:
            dropped[best] = "no room"
        else:
            kept.append(best)
    return kept, dropped


def pack_sorted_with_places(pieces, budget):
    kept, dropped, told = [], {}, set()
    for _, i, tokens, scene in sorted((-w, i, t, s) for i, (w, t, s) in enumerate(pieces)):
        if scene != 0 and scene in told:
            dropped[i] = "told already"
            continue
        if tokens > budget:
            dropped[i] = "no room"
            continue
        budget -= tokens
        kept.append(i)
        told.add(scene)
    return kept, dropped


def nearest_in_loops(query, vectors, scenes, path, k):
    found = []
    for i, row in enumerate(vectors):
        if scenes[i] not in path:
            continue
        dot = sum(a * b for a, b in zip(query, row))
        length = sum(a * a for a in query) ** 0.5 * sum(a * a for a in row) ** 0.5
        found.append((i, dot / length if length else 0.0))
    found.sort(key=lambda x: (-round(x[1], 10), x[0]))
    return found[:k]


def nearest_in_numpy(query, vectors, scenes, path, k):
    rows = np.array(vectors, float)
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30)
    asked = np.array(query) / max(np.linalg.norm(query), 1e-30)
    cosine = np.where(np.isin(scenes, path), unit @ asked, -np.inf)
    order = np.argsort(-np.round(cosine, 9), kind="stable")
    return [(int(i), float(cosine[i])) for i in order if cosine[i] > -np.inf][:k]


def contradictions_by_asking(known, said):
    def wrong(who, what, value):
        if what in ("species", "colour", "kind"):
            told = [x for s, a, x in known + said if (s, a) == (who, what)]
            return told[0] != value
        if what == "lost":
            holder = ""
            for s, a, x in known:
                if (a, x) == ("has", value):
                    holder = s
                if (s, a, x) == (holder, "lost", value):
                    holder = ""
            return holder != who and (who, "has", value) not in said
        if what in ("kept", "broke"):
            waits = False
            for s, a, x in known:
                if (s, x) == (who, value):
                    waits = {"promised": True, "kept": False, "broke": False}.get(a, waits)
            return not waits and (who, "promised", value) not in said
        return False

    return [i for i, fact in enumerate(said) if wrong(*fact)]


def f1_by_precision_and_recall(asked, seen):
    hits = sum(name in there for frame, there in zip(asked, seen) for name in frame)
    wanted = sum(len(frame) for frame in asked)
    shown = sum(len(frame) for frame in seen)
    if not wanted and not shown:
        return 1.0
    if not hits:
        return 0.0
    return 2 / (shown / hits + wanted / hits)


def f1_by_mistakes(asked, seen):
    right = wrong = 0
    for frame, there in zip(asked, seen):
        right += len(set(frame).intersection(there))
        wrong += len(set(frame).symmetric_difference(there))
    return np.float64(right / (right + wrong / 2)) if right + wrong else 1


def margin_in_numpy(hero, doubles):
    rows = np.array([*hero, *doubles], float)
    rows /= np.linalg.norm(rows, axis=-1, keepdims=True)
    likeness = rows @ rows[0]
    return likeness[1 : len(hero)].mean() - likeness[len(hero) :].mean()


def margin_page_by_page(hero, doubles):
    def cosine(a, b):
        lengths = sum(x * x for x in a) * sum(x * x for x in b)
        return sum(x * y for x, y in zip(a, b)) / lengths**0.5

    each = [cosine(h, hero[0]) - cosine(d, hero[0]) for h, d in zip(hero[1:], doubles)]
    return sum(each) / len(each)


def hunt_memory_by_small_stories(memory):
    line = {1: None, 2: 1, 3: 2, 7: 1}
    both = ("Pip", "Wren")

    def ask(seen, name="Pip", at=2):
        return memory(line, seen, name, at)

    assert ask([(2, both, "b", True), (1, both, "a", True)], "Wren") == "a"
    assert ask([(1, both, "a", True), (1, both, "b", True)]) == "a"
    assert ask([(1, both, "a", False), (2, both, "b", True)]) == "b"
    for scene in (3, 7, 8):
        assert ask([(scene, both, "a", True)]) is None
    assert ask([(1, ("Pippa",), "a", True)]) is None
    assert ask([]) is None


def hunt_checker_by_small_pictures(faults):
    flat = np.full((4, 4, 3), 100, np.uint8)
    left = flat.copy()
    left[0, 0] = 255
    right = left[:, ::-1].copy()
    assert faults(flat, flat, [], 1.0) == []
    assert faults(right, left, [], 1.0) == ["mirrored"]
    assert faults(left, left, [flat, left], 1.0) == ["copy"]
    assert faults(right, right, [flat, left], 1.0) == ["mirrored copy"]
    assert faults(right, left, [left], 1.0) == ["mirrored", "mirrored copy"]
    above = flat.copy()
    above[0] = 255
    assert faults(above[::-1], above, [], 1.0) == []
    wave = flat.copy()
    wave[::2] += 4
    wave[1::2] -= 4
    assert faults(wave, wave, [flat], 3.5) == []
    assert faults(wave, wave, [flat], 4.5) == ["copy", "mirrored copy"]
    green = flat.copy()
    green[..., 1] = 0
    assert faults(green, green, [flat], 3.0) == []


RIGHT_CH07: dict[str, list[Callable[..., Any]]] = {
    "ch07.true_at": [true_by_walking_up, true_by_recursion],
    "ch07.pack": [pack_by_taking_the_best, pack_sorted_with_places],
    "ch07.nearest_on_path": [nearest_in_loops, nearest_in_numpy],
    "ch07.character_f1": [f1_by_precision_and_recall, f1_by_mistakes],
    "ch07.identity_margin": [margin_in_numpy, margin_page_by_page],
    "ch07.contradictions": [contradictions_by_asking],
    "ch07.hunt_memory": [hunt_memory_by_small_stories],
    "ch07.hunt_checker": [hunt_checker_by_small_pictures],
}
