"""Wrong answers to chapter 7 that once passed: falsy numbers, odd sizes, one kind never asked."""

from __future__ import annotations

import math

import numpy as np

from .wrong_answers_later import of

TREE, PACK = of("ch07.true_at"), of("ch07.pack")
F1, NEAREST, FACTS = of("ch07.character_f1"), of("ch07.nearest_on_path"), of("ch07.contradictions")


def stops_at_scene_0(parents, told, at):
    path = []
    while at:
        path.append(at)
        at = parents[at]
    return {(who, what): (x, s) for s in path[::-1] for who, what, x in told.get(s, [])}


def empty_is_nothing(parents, told, at):
    return {key: value for key, value in TREE(parents, told, at).items() if value[0]}


def nine_scenes_up(parents, told, at):
    path = [at]
    while parents[path[-1]] is not None and len(path) < 9:
        path.append(parents[path[-1]])
    return {(who, what): (x, s) for s in path[::-1] for who, what, x in told.get(s, [])}


def whole_worths(pieces, budget):
    return PACK([(int(worth), tokens, scene) for worth, tokens, scene in pieces], budget)


def worth_below_0_is_none(pieces, budget):
    kept, dropped = PACK(pieces, budget)
    bad = [i for i in kept if pieces[i][0] < 0]
    return [i for i in kept if i not in bad], {**dropped, **dict.fromkeys(bad, "no room")}


def sixteen_scenes(pieces, budget):
    return PACK([(worth, tokens, scene % 16) for worth, tokens, scene in pieces], budget)


def no_budget_no_pieces(pieces, budget):
    if budget <= 0:
        return [], dict.fromkeys(range(len(pieces)), "no room")
    return PACK(pieces, budget)


def free_ones_are_always_kept(pieces, budget):
    return PACK([(w, tokens, scene if tokens else 0) for w, tokens, scene in pieces], budget)


def _cosines(query, vectors, scenes, path, k, digits=None, least=0.0, width=None):
    found = []
    for i, row in enumerate(vectors):
        if scenes[i] in path:
            dot = sum(a * b for a, b in zip(query[:width], row[:width]))
            length = max(math.hypot(*query[:width]) * math.hypot(*row[:width]), least)
            found.append((i, dot / length if length else 0.0))
    return sorted(found, key=lambda x: -(round(x[1], digits) if digits else x[1]))[:k]


def in_hundredths(query, vectors, scenes, path, k):
    return _cosines(query, vectors, scenes, path, k, digits=2)


def in_ten_thousandths(query, vectors, scenes, path, k):
    return _cosines(query, vectors, scenes, path, k, digits=4)


def at_least_1e_8(query, vectors, scenes, path, k):
    return _cosines(query, vectors, scenes, path, k, least=1e-8)


def three_numbers_each(query, vectors, scenes, path, k):
    return _cosines(query, vectors, scenes, path, k, width=3)


def eight_memories(query, vectors, scenes, path, k):
    return NEAREST(query, vectors[:8], scenes[:8], path, k)


def nine_at_most(query, vectors, scenes, path, k):
    return NEAREST(query, vectors, scenes, path, min(k, 9))


def a_kind_may_change(known, said):
    return [i for i in FACTS(known, said) if said[i][1] != "kind"]


def nothing_about_the_scene(known, said):
    return [i for i in FACTS(known, said) if said[i][0] != "scene"]


def by_the_last_word(known, said):
    def short(facts):
        return [(who, what, value.split()[-1]) for who, what, value in facts]

    return FACTS(short(known), short(said))


def by_identity(known, said):
    looks, found = {}, FACTS(known, said)
    for who, what, value in known:
        looks.setdefault((who, what), value)
    fixed = ("species", "colour", "kind")
    return [
        i
        for i, (who, what, value) in enumerate(said)
        if (looks.setdefault((who, what), value) is not value if what in fixed else i in found)
    ]


def fills_in_who_tells_nothing(parents, told, at):
    for scene in parents:
        told.setdefault(scene, [])
    return TREE(parents, told, at)


def sorts_the_callers_list(pieces, budget):
    found = PACK(list(pieces), budget)
    pieces.sort()
    return found


def extends_what_is_known(known, said):
    found = FACTS(known, said)
    known.extend(said)
    return found


def _with_f1(change):
    """F1 of frames that were changed."""
    return lambda asked, seen: F1([change(x) for x in asked], [change(x) for x in seen])


def full_marks_if_nobody_is_asked(asked, seen):
    return F1(asked, seen) if any(asked) else 1.0


def found_within(asked, seen):
    hits = sum(name in str(frame) for names, frame in zip(asked, seen) for name in names)
    total = sum(map(len, asked)) + sum(map(len, seen))
    return 2 * hits / total if total else 1.0


def _margin(hero, doubles, width=None, pages=None, least=0.0):
    def cos(a, b):
        lengths = [math.hypot(*row[:width]) + least for row in (a, b)]
        return sum(x * y for x, y in zip(a[:width], b[:width])) / lengths[0] / lengths[1]

    rows = list(zip(hero[1:], doubles))[:pages]
    return sum(cos(a, hero[0]) - cos(b, hero[0]) for a, b in rows) / len(rows)


def _worths(change):
    return lambda pieces, budget: PACK([(change(w), *rest) for w, *rest in pieces], budget)


def eight_at_most(pieces, budget):
    kept, dropped = PACK(pieces, budget)
    return kept[:8], {**dropped, **dict.fromkeys(kept[8:], "no room")}


def two_hundred_scenes(parents, told, at):
    path = [at]
    while parents[path[-1]] is not None and len(path) < 200:
        path.append(parents[path[-1]])
    return {(who, what): (x, s) for s in path[::-1] for who, what, x in told.get(s, [])}


def fifty_facts(known, said):
    return FACTS(known[-50:], said)


def new_looks_may_change(known, said):
    told = {(who, what) for who, what, _ in known}
    found = FACTS(known, said)
    return [i for i in found if said[i][1] != "species" or said[i][:2] in told]


def in_lower_case(known, said):
    return FACTS(*([(a, b, c.lower()) for a, b, c in facts] for facts in (known, said)))


def by_first_names(known, said):
    return FACTS(*([(a.split()[0], b, c) for a, b, c in facts] for facts in (known, said)))


CH07 = [
    ("ch07.character_f1", full_marks_if_nobody_is_asked, "the answer is wrong"),
    ("ch07.character_f1", found_within, "the answer is wrong"),
    ("ch07.character_f1", _with_f1(lambda frame: [x.lower() for x in frame]), "is wrong"),
    ("ch07.character_f1", _with_f1(lambda frame: [x[0] for x in frame]), "is wrong"),
    ("ch07.character_f1", lambda a, b: F1(a[:4], b[:4]), "the answer is wrong"),
    ("ch07.identity_margin", lambda a, b: _margin(a, b, width=3), "the answer is wrong"),
    ("ch07.identity_margin", lambda a, b: _margin(a, b, pages=5), "the answer is wrong"),
    ("ch07.identity_margin", lambda a, b: _margin(a, b, least=1e-8), "the answer is wrong"),
    ("ch07.pack", _worths(lambda worth: round(worth, 2)), "its order, is wrong"),
    ("ch07.pack", _worths(lambda worth: min(worth, 10)), "its order, is wrong"),
    ("ch07.pack", _worths(lambda worth: float(np.float32(worth))), "its order, is wrong"),
    ("ch07.pack", eight_at_most, "is wrong"),
    ("ch07.true_at", two_hundred_scenes, "forgot a scene"),
    ("ch07.contradictions", fifty_facts, "count whole"),
    ("ch07.contradictions", lambda known, said: FACTS(known, said)[:4], "count whole"),
    ("ch07.contradictions", new_looks_may_change, "the first look counts"),
    ("ch07.contradictions", in_lower_case, "count whole"),
    ("ch07.contradictions", by_first_names, "count whole"),
    ("ch07.true_at", fills_in_who_tells_nothing, "`told` was changed"),
    ("ch07.pack", sorts_the_callers_list, "`pieces` was changed"),
    ("ch07.contradictions", extends_what_is_known, "`known` was changed"),
    ("ch07.true_at", stops_at_scene_0, "leave 0 or '' out"),
    ("ch07.true_at", empty_is_nothing, "leave 0 or '' out"),
    ("ch07.true_at", nine_scenes_up, "forgot a scene"),
    ("ch07.pack", whole_worths, "fractions"),
    ("ch07.pack", worth_below_0_is_none, "below 0"),
    ("ch07.pack", sixteen_scenes, "scene 20"),
    ("ch07.pack", no_budget_no_pieces, "no token at all"),
    ("ch07.pack", free_ones_are_always_kept, "no token at all"),
    ("ch07.nearest_on_path", in_hundredths, "hardly more alike"),
    ("ch07.nearest_on_path", in_ten_thousandths, "hardly more alike"),
    ("ch07.nearest_on_path", at_least_1e_8, "of any length"),
    ("ch07.nearest_on_path", three_numbers_each, "eight numbers"),
    ("ch07.nearest_on_path", eight_memories, "twelve memories"),
    ("ch07.nearest_on_path", nine_at_most, "all of them asked for"),
    ("ch07.contradictions", a_kind_may_change, "kind cannot change"),
    ("ch07.contradictions", nothing_about_the_scene, "a colour of the scene"),
    ("ch07.contradictions", by_the_last_word, "count whole"),
    ("ch07.contradictions", by_identity, "count whole"),
]
