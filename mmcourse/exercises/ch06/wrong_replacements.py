"""Ways to replace layers with a bug each: the known mistakes of an exercise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from mmcourse.lora import injection


def by(meant: Callable[[str, str], bool], refuse: bool = True) -> Any:
    """A wrong answer from when a path is meant by a name."""

    def answer(model: nn.Module, targets: tuple[str, ...], make: Any) -> list[str]:
        found = {p: m for p, m in model.named_modules() if p and any(meant(p, t) for t in targets)}
        found = {p: m for p, m in found.items() if isinstance(m, nn.Linear)}
        if not found and refuse:
            raise ValueError("nothing matches")
        for at, layer in found.items():
            injection.put(model, at, make(layer))
        return list(found)

    return answer


def right(path: str, name: str) -> bool:
    return path == name or path.endswith("." + name)


def target_by_target(model: nn.Module, targets: tuple[str, ...], make: Any) -> list[str]:
    done = []
    for name in targets:
        for at, layer in list(model.named_modules()):
            if right(at, name):
                injection.put(model, at, make(layer))
                done.append(at)
    if not done:
        raise ValueError("nothing matches")
    return done


def deeper(model: nn.Module, targets: tuple[str, ...], make: Any, at: str = "") -> list[str]:
    """By recursion, into what has just been put there as well."""
    done: list[str] = []
    for name, child in list(model.named_children()):
        here = f"{at}.{name}" if at else name
        if any(right(here, t) for t in targets) and isinstance(child, nn.Linear):
            setattr(model, name, make(child))
            done.append(here)
        if len(here) < 60:
            done += deeper(getattr(model, name), targets, make, here)
    if not at and not done:
        raise ValueError("nothing matches")
    return done


def onto_the_model(model: nn.Module, targets: tuple[str, ...], make: Any) -> list[str]:
    found = injection.find_targets(model, targets)
    for at, layer in found.items():
        setattr(model, at.rpartition(".")[2], make(layer))
    return list(found)


def children_only(model: nn.Module, targets: tuple[str, ...], make: Any) -> list[str]:
    done = [name for name, _ in model.named_children() if name in targets]
    for name in done:
        setattr(model, name, make(getattr(model, name)))
    if not done:
        raise ValueError("nothing matches")
    return done


def first_only(model: nn.Module, targets: tuple[str, ...], make: Any) -> list[str]:
    done = list(injection.find_targets(model, targets).items())[:1]
    for at, layer in done:
        injection.put(model, at, make(layer))
    return [at for at, _ in done]


def names(model: nn.Module, targets: tuple[str, ...], make: Any) -> list[str]:
    return [p.rpartition(".")[2] for p in injection.replace_layers(model, targets, make)]


def told_nothing(model: nn.Module, targets: tuple[str, ...], make: Any) -> None:
    injection.replace_layers(model, targets, make)
