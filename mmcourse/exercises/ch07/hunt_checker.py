"""Bug hunt: a test that tells a right checker of pictures from wrong ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmcourse.exercises.kit import Hunt
from mmcourse.story import copies

STUB = '''
@exercise("ch07.hunt_checker")
def test_checker(faults):
    """Assert what is true of a right checker of pictures, and false of a broken one.

    found = faults(picture, asked, remembered, limit): the checker on trial.
    picture, asked: numpy arrays (H, W, 3), uint8: what was drawn, and what should be seen.
    remembered: a list of such arrays, pictures of other scenes that memory holds.
    limit: a number. Two pictures are one if their numbers differ by less than this, as the mean of
    the differences without their signs, over all H * W * 3 numbers.
    It returns a list of strings, in this order and each at most once:
    "mirrored" if the picture with left and right exchanged is nearer to asked than the picture is
    (nearer: by that same mean; equally near is no fault);
    "copy" if the picture is one of the remembered;
    "mirrored copy" if the picture with left and right exchanged is one of them.
    It will be given to you in right and in broken forms. Pass on every right one, and fail with an
    AssertionError on each broken one. The book's `faults` is replaced by the one on trial.
    """
    raise NotImplementedError
'''


def _pictures() -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, (4, 6, 8, 3)).astype(np.uint8))


def reference_test(faults: Any) -> None:
    """Four pictures of noise, turned, repeated and shifted."""
    asked, first, second, other = _pictures()
    memory = [first, second]
    assert faults(asked, asked, memory, 3.0) == []
    assert faults(asked[:, ::-1], asked, memory, 3.0) == ["mirrored"]
    assert faults(other, other, memory, 3.0) == []
    for old in memory:
        assert faults(old, old, memory, 3.0) == ["copy"]
        assert faults(old[:, ::-1], old[:, ::-1], memory, 3.0) == ["mirrored copy"]
        assert faults(old[:, ::-1], old, memory, 3.0) == ["mirrored", "mirrored copy"]
    same = np.concatenate([asked, asked[:, ::-1]], 1)
    assert faults(same, same, [], 3.0) == []
    asked = asked // 2 + 60
    brighter, duller = asked + 4, asked + 4
    duller[::2] -= 8
    for near in (brighter, duller):  # each number is 4 away
        assert faults(near, near, [asked], 3.0) == []
        assert faults(near, near, [asked], 5.0) == ["copy"]
    swapped = asked.copy()
    swapped[..., 1:] = other[..., 1:]
    assert faults(swapped, swapped, [asked], 3.0) == []


NAMES = ("mirrored", "copy", "mirrored copy")


def _apart(a: Any, b: Any) -> float:
    return float(np.abs(np.float64(a) - np.float64(b)).mean())


def _by_parts(picture: Any, asked: Any, remembered: Any, limit: float = 3.0) -> list[str]:
    """The three questions beside each other: the one that the broken ones are edits of."""
    turned, apart = np.fliplr(picture), _apart
    wrong = (
        apart(turned, asked) < apart(picture, asked),
        any(apart(picture, old) < limit for old in remembered),
        any(apart(turned, old) < limit for old in remembered),
    )
    return [name for name, found in zip(NAMES, wrong) if found]


def _in_sums(picture: Any, asked: Any, remembered: Any, limit: float = 3.0) -> list[str]:
    """Sums instead of means, memory turned instead of the picture."""
    p, a = np.asarray(picture, np.int64), np.asarray(asked, np.int64)
    most = limit * p.size
    found = []
    if np.abs(p - a[:, ::-1]).sum() < np.abs(p - a).sum():
        found.append("mirrored")
    old = [np.asarray(x, np.int64) for x in remembered]
    if [x for x in old if np.abs(p - x).sum() < most]:
        found.append("copy")
    if [x for x in old if np.abs(p - x[:, ::-1]).sum() < most]:
        found.append("mirrored copy")
    return found


BUGS = """
it never fails: if found] => if False]
    - Missed: one that is too kind.
    - Give it something that is wrong in every way.
    - It always returns an empty list.
a mirrored picture passes: if found] => if found and name != "mirrored"]
    - Missed: a picture that is not as asked.
    - Exchange left and right of a picture, and ask for the original.
    - "mirrored" must be found. The broken one never says it.
a copy passes: if found] => if found and name != "copy"]
    - Missed: a picture that is not new.
    - Put the picture itself into memory.
    - "copy" must be found. The broken one never says it.
a mirrored copy passes: if found] => if found and name != "mirrored copy"]
    - Missed: a picture that is not as new as it looks.
    - Put the picture into memory, left and right exchanged.
    - "mirrored copy" must be found. The broken one never says it.
only the first memory is looked at: turned, apart => remembered = remembered[:1]; turned, apart
    - Missed: a longer memory.
    - Let memory hold two pictures, and copy the second.
    - All that is remembered must be compared. The broken one stops after the first.
one fault is enough: if found] => if found][:1]
    - Missed: a picture with more than one fault.
    - Exchange left and right of a remembered picture, and ask for that picture.
    - All faults must be named. The broken one names the first.
it has a limit of its own: turned, apart => limit = 3.0; turned, apart
    - Missed: an argument that is not used.
    - Let two pictures differ by 4 everywhere; try limits of 3 and of 5.
    - limit must count. The broken one always takes 3.
up and down exchanged: np.fliplr => np.flipud
    - Missed: which way a picture is turned.
    - Exchange left and right of a picture that is the same neither way.
    - Left and right must be exchanged. The broken one exchanges up and down.
a symmetric picture is called mirrored: < apart(picture, asked) => <= apart(picture, asked)
    - Missed: a false alarm.
    - Give it a picture that is its own mirror image.
    - Equally near is no fault. The broken one complains.
errors cancel: , _apart => , lambda a, b: abs(float((np.float64(a) - np.float64(b)).mean()))
    - Missed: how a difference is measured.
    - Make half of the numbers greater by 4 and half of them smaller by 4.
    - Each difference must count without its sign. The broken one takes the mean first.
bytes wrap around:
        , _apart => , lambda a, b: float(np.abs(np.asarray(a) - np.asarray(b)).mean())
    - Missed: what kind of numbers pictures hold.
    - Stay with uint8, and let pictures differ by 4 in both directions.
    - 1 - 3 is 254 in bytes. The broken one subtracts without turning them into numbers.
one colour of three:
        , _apart => , lambda a, b: _apart(np.asarray(a)[..., 0], np.asarray(b)[..., 0])
    - Missed: what a picture is made of.
    - Let two pictures agree in red, and in nothing else.
    - All three channels must count. The broken one looks at red.
"""

MISTAKES = """
good pictures only:
        for picture in _pictures():
            assert faults(picture, picture, [], 3.0) == []
    Only pictures without fault were tried, so a checker that never fails passes. Break each rule on
    purpose.
returns its verdict instead of asserting it:
        a = _pictures()[0]
        return bool(faults(a, a, [], 3.0) == [])
    A test that returns False has passed. Write `assert` in front of the comparison.
mirrored pictures only:
        a = _pictures()[0]
        assert faults(a, a, [], 3.0) == []
        assert faults(a[:, ::-1], a, [], 3.0) == ["mirrored"]
    Memory was empty in all that was tried. Copies and mirrored copies need pictures that are
    remembered, more than one of them.
copies only:
        a, b, *_ = _pictures()
        assert faults(a, a, [b], 3.0) == []
        assert "copy" in faults(a, a, [a], 3.0)
    Only copies were tried. Turn a picture round, and turn a remembered one round.
compares with the book's own checker:
        a, b, *_ = _pictures()
        for picture in (a, b, a[:, ::-1]):
            assert faults(picture, a, [b], 3.0) == copies.faults(picture, a, [b], 3.0)
    In here that is the checker on trial as well, so it was compared with itself. Say which list is
    right.
wants a symmetric picture to be mirrored:
        a = _pictures()[0]
        same = np.concatenate([a, a[:, ::-1]], 1)
        assert "mirrored" in faults(same, same, [], 3.0)
    A picture that is its own mirror image is as near to what was asked either way. Equally near is
    no fault.
    Satisfied by: < apart(picture, asked) => <= apart(picture, asked)
"""

EXERCISE = Hunt(
    title="Hunt the broken checkers",
    difficulty=3,
    minutes=35,
    stub=STUB,
    reference=reference_test,
    on_trial=copies.faults,
    right=(copies.faults, _in_sums, _by_parts),
    bugs=BUGS,
    edits=_by_parts,
    mistakes=MISTAKES,
    hints=(
        "Noise makes good pictures here: `np.random.default_rng(0).integers(0, 256, (6, 8, 3))`, "
        "as uint8. `a[:, ::-1]` exchanges left and right.",
        "For each of the three words: a picture that earns it, and one that nearly does.",
        "Then the measure: +4 on half of the numbers and -4 on the others is 4 away, not 0 and not "
        "130. A limit of 3 says no copy, a limit of 5 says copy.",
    ),
)
