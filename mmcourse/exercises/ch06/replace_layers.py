"""Core: put other layers into a model that somebody else wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from mmcourse.exercises.kit import Broken, Task, holds
from mmcourse.lora import injection

STUB = '''
@exercise("ch06.replace_layers")
def replace_layers(model, targets, make):
    """Replace the layers that are meant, in place.

    model: any nn.Module, with modules in modules.
    targets: a tuple of names. A layer is meant if its path ends in one of them: "proj" means
    "proj" and "a.0.proj", but not "a.proj.0" and not "a.big_proj"; "0.proj" means "a.0.proj".
    make: make(layer) returns what shall stand in its place. The old layer may live on inside it,
    and under any name; it is not to be replaced again.
    Returns the paths of what was replaced, in the order of model.named_modules().
    Raises ValueError if no layer is meant.
    """
    raise NotImplementedError
'''


class Around(nn.Module):
    """What layers are replaced by: it keeps the old one, by the name that is looked for."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.proj = inner


def model() -> nn.Module:
    """Two blocks with a projection each, one beside them, and names that are nearly right."""
    names = "proj", "big_proj", "1_proj", "up"
    block = [nn.ModuleDict({name: nn.Linear(2, 2) for name in names}) for _ in range(2)]
    inner = nn.ModuleDict({"blocks": nn.ModuleList(block), "reproject": nn.Linear(2, 2)})
    inner["blocks"].train(False)
    inner["reproject"].requires_grad_(False)
    return nn.ModuleDict({"a": inner, "proj": nn.Linear(2, 2), "up": nn.Linear(2, 2)})


def _replaced(found: nn.Module) -> list[str]:
    """Paths of what stands for a layer, outermost first."""
    return [path for path, m in found.named_modules() if isinstance(m, Around)]


def _told(answer: Any, found: nn.Module, targets: tuple[str, ...], right: list[str]) -> None:
    """Replace, and look at what was replaced and what was told."""
    told = answer(found, targets, Around)
    got = _replaced(found)
    if sorted(got) != sorted(right):
        message = f"With targets {targets} other layers were replaced than are meant."
        raise Broken(message, ", ".join(got) or "none", ", ".join(right))
    if not isinstance(told, list | tuple):
        raise Broken("It should return the paths.", type(told).__name__, ", ".join(right))
    if list(told) != right:
        raise Broken("The paths returned are not those replaced.", str(list(told)), str(right))


@holds("the layer of that name at the top, and within blocks")
def named(answer: Any) -> None:
    _told(answer, model(), ("up",), ["a.blocks.0.up", "a.blocks.1.up", "up"])


@holds("a name is a whole name, or several: not big_proj, not reproject")
def whole_names(answer: Any) -> None:
    right = ["a.blocks.0.proj", "a.blocks.1.proj", "proj"]
    _told(answer, model(), ("proj",), right)


@holds("two names; a name with a part of the path; one that means nothing beside them")
def several(answer: Any) -> None:
    right = ["a.blocks.0.up", "a.blocks.1.proj", "a.blocks.1.up", "up"]
    _told(answer, model(), ("up", "1.proj", "query"), right)


@holds("a whole path means one layer")
def path(answer: Any) -> None:
    _told(answer, model(), ("a.blocks.0.proj",), ["a.blocks.0.proj"])


@holds("a layer that two names mean is replaced once")
def twice(answer: Any) -> None:
    right = ["a.blocks.0.proj", "a.blocks.1.proj", "proj"]
    _told(answer, model(), ("0.proj", "proj"), right)


@holds("what is inside the new layer is left alone, though its name is looked for")
def once(answer: Any) -> None:
    found = model()
    answer(found, ("proj",), Around)
    for at, module in found.named_modules():
        if isinstance(module, Around) and not isinstance(module.proj, nn.Linear):
            raise Broken(
                f"What stands at {at!r} holds another replaced layer in place of the old one.",
                type(module.proj).__name__,
                "Linear",
            )


@holds("the old layer itself is handed over, and others are the same as before")
def identity(answer: Any) -> None:
    found = model()
    before, held = dict(found.named_modules()), found.state_dict()
    held = {name.replace("up.", "up.proj."): x.clone() for name, x in held.items()}
    handed: list[nn.Module] = []

    def make(layer: nn.Module) -> nn.Module:
        handed.append(layer)
        return Around(layer)

    answer(found, ("up",), make)
    if [id(x) for x in handed] != [id(before[p]) for p in ("a.blocks.0.up", "a.blocks.1.up", "up")]:
        raise Broken("make was not called with each old layer, once and in order.", len(handed), 3)
    after = dict(found.named_modules())
    others = [p for p in before if not p.endswith("up")]
    moved = [p for p in others if after.get(p) is not before[p]]
    if moved:
        raise Broken("Modules that were not meant have changed.", ", ".join(moved), "unchanged")
    learns = {n: p.requires_grad for n, p in model().named_parameters() if "up." not in n}
    now = {n: p.requires_grad for n, p in found.named_parameters() if "up." not in n}
    asleep = [
        p for p, m in model().named_modules() if p in others and after[p].training != m.training
    ]
    new = found.state_dict()
    if not all(name in new and torch.equal(new[name], x) for name, x in held.items()):
        raise Broken("Weights have changed.", "other numbers", "those that were there")
    if asleep or now != learns:
        raise Broken("What was not meant trains otherwise than before.", "train, eval, or what "
                     "requires_grad", "unchanged")  # fmt: skip


@holds("any kind of layer may be meant, in the model's own order")
def any_kind(answer: Any) -> None:
    parts = {"z": nn.Embedding(3, 2), "10": nn.Conv2d(1, 1, 1), "2": nn.Linear(2, 2)}
    last = {"z": nn.Linear(2, 2), "Z": nn.Linear(2, 2)}
    found = nn.ModuleDict({"b": nn.ModuleDict(parts), "a": nn.ModuleDict(last)})
    _told(answer, found, ("2", "z", "10"), ["b.z", "b.10", "b.2", "a.z"])


@holds("the model computes with the new layers")
def computes(answer: Any) -> None:
    found: Any = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Identity(), nn.Linear(2, 2)))
    answer(found, ("1.1",), lambda layer: nn.Flatten())
    if not isinstance(found[1][1], nn.Flatten):
        raise Broken("The new layer is not where the old one was.", str(found[1][1]), "Flatten()")
    x = torch.ones(1, 2)
    if not torch.equal(found(x), found[0](x)):
        raise Broken("The model does not compute with the new layer.", "another value", "its own")


@holds("no layer meant: a ValueError")
def no(answer: Any) -> None:
    try:
        answer.function(model(), ("query",), Around)
    except ValueError:
        return
    except Exception as error:
        raise Broken("It raised another error.", type(error).__name__, "ValueError") from None
    message = "No layer is meant, and nothing was said. The training would run, and learn nothing."
    raise Broken(message, "no error", "ValueError")


def probe(function: Callable[..., Any]) -> list[Any]:
    """What is replaced and told for a few targets, and how often `make` was called."""
    seen: list[Any] = []
    cases = (("proj",), ("up", "1.proj"), ("a.blocks.0.proj",), ("query",), ("0.proj", "proj"))
    for targets in cases:
        found, calls = model(), [0]

        def make(layer: nn.Module, calls: list[int] = calls) -> nn.Module:
            calls[0] += 1
            if calls[0] > 20:
                raise RecursionError
            return Around(layer)

        try:
            told = function(found, targets, make)
            seen.append([_replaced(found), list(told), calls[0]])
        except Exception as error:
            seen.append([_replaced(found)[:8], type(error).__name__])
    return seen


def _meant(path: str, name: str) -> bool:
    return path == name or path.endswith("." + name)


def _in_two_steps(model: nn.Module, targets: tuple[str, ...], make: Any) -> list[str]:
    """What is meant, then what replaces it: the one that wrong answers are edits of."""
    found = {p: m for p, m in model.named_modules() if p and any(_meant(p, t) for t in targets)}
    found = {p: m for p, m in found.items() if isinstance(m, nn.Linear)}
    if not found:
        raise ValueError("nothing matches")
    for at, layer in found.items():
        injection.put(model, at, make(layer))
    return list(found)


def deeper(model: nn.Module, targets: tuple[str, ...], make: Any, at: str = "") -> list[str]:
    """By recursion, into what has just been put there as well."""
    done: list[str] = []
    for name, child in list(model.named_children()):
        here = f"{at}.{name}" if at else name
        if any(_meant(here, t) for t in targets) and isinstance(child, nn.Linear):
            setattr(model, name, make(child))
            done.append(here)
        if len(here) < 60:
            done += deeper(getattr(model, name), targets, make, here)
    if not at and not done:
        raise ValueError("nothing matches")
    return done


MISTAKES = """
a name anywhere in the path: _meant(p, t) => t in p
    A name that is found anywhere in the path means too much: `proj` is in big_proj and in
    reproject, and `q_proj` in the vision tower too. Compare whole parts.
the end of a path, without its dot: _meant(p, t) => p.endswith(t)
    `endswith('proj')` takes big_proj as well. Either the path is the name, or it ends in a dot and
    the name.
the last part alone: _meant(p, t) => p.rpartition(".")[2] == t
    Only the last part of the path was compared, so '1.proj' and whole paths mean nothing.
whole paths alone: _meant(p, t) => p == t
    Only whole paths were compared. A name means every layer whose path ends in it.
not at the top: _meant(p, t) => p.endswith("." + t)
    `endswith('.' + name)` misses the layer at the top, and a whole path: nothing stands before
    them, not even a dot.
one name after another:
        done = []
        for name in targets:
            for at, layer in list(model.named_modules()):
                if _meant(at, name):
                    injection.put(model, at, make(layer))
                    done.append(at)
        if not done:
            raise ValueError("nothing matches")
        return done
    Each name was looked for and replaced by itself. What two names mean is replaced twice, and what
    the second finds inside the new layers too. First find all that is meant by any of them.
recursion into what is new: deeper
    After a child was replaced, the recursion went on into the new one and found the old one there.
    Go on only where nothing was replaced.
set on the model:
        found = injection.find_targets(model, targets)
        for at, layer in found.items():
            setattr(model, at.rpartition(".")[2], make(layer))
        return list(found)
    `setattr(model, 'proj', ...)` gives the model itself a layer of that name. It belongs to the
    parent: `model.get_submodule(path of the parent)`.
children alone:
        done = [name for name, _ in model.named_children() if name in targets]
        for name in done:
            setattr(model, name, make(getattr(model, name)))
        if not done:
            raise ValueError("nothing matches")
        return done
    Only the model's own children were looked at. Layers lie deeper: `named_modules`.
the first alone:
        done = list(injection.find_targets(model, targets).items())[:1]
        for at, layer in done:
            injection.put(model, at, make(layer))
        return [at for at, _ in done]
    It stopped at the first layer. Every one that is meant is to be replaced.
silence when nothing is meant: if not found => if False
    Nothing was meant and nothing was said. A misspelt target then trains for hours and learns
    nothing: raise ValueError.
names for paths: [p.rpartition(".")[2] for p in injection.replace_layers(model, targets, make)]
    It returned the last parts of the paths. Return whole paths: which layers they are is what one
    wants to check.
nothing returned: replaced = injection.replace_layers(model, targets, make)
    The right layers were replaced, and nothing is returned. Return their paths.
"""

EXERCISE = Task(
    title="Injection",
    level="core",
    difficulty=3,
    minutes=25,
    stub=STUB,
    reference=injection.replace_layers,
    probe=probe,
    mistakes=MISTAKES,
    edits=_in_two_steps,
    hints=(
        "First find all that is meant, and only then replace: `list(model.named_modules())`.",
        "A path is meant if `path == name or path.endswith('.' + name)` for one of the names.",
        "`parent, _, child = path.rpartition('.')`, then `setattr(model.get_submodule(parent), "
        "child, make(layer))`. get_submodule('') is the model itself.",
    ),
)
