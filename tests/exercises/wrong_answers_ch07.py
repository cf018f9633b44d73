"""Wrong answers to chapter 7 that once passed: falsy numbers, odd sizes, one kind never asked."""

from __future__ import annotations

import math

from .wrong_answers_later import of

TREE, PACK = of("ch07.true_at"), of("ch07.pack")
NEAREST, FACTS = of("ch07.nearest_on_path"), of("ch07.contradictions")


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


CH07 = [
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
