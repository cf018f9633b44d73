"""Frozen dataclasses as JSON and back, strictly: an unknown field is refused, not dropped."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_data(value: object) -> Any:
    """Dataclasses, tuples and mappings as what JSON knows. Fields at their default are left out.

    Raises:
        ValueError: something that JSON does not know.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {
            f.name: to_data(getattr(value, f.name))
            for f in fields(value)
            if not _is_default(f, getattr(value, f.name))
        }
    if isinstance(value, Mapping):
        return {str(k): to_data(x) for k, x in value.items()}
    if isinstance(value, tuple | list):
        return [to_data(x) for x in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise ValueError(f"a {type(value).__name__} cannot be saved; give text, numbers or records")


def _is_default(field: Any, value: object) -> bool:
    if field.default is not MISSING:
        return bool(value == field.default)
    return field.default_factory is not MISSING and bool(value == field.default_factory())


def from_data(cls: type[T], data: Any) -> T:
    """What `to_data` made of an instance of `cls`, back.

    Raises:
        ValueError: a missing, unknown or wrongly typed field.
    """
    if not isinstance(data, Mapping):
        raise ValueError(f"a saved {cls.__name__} is an object, got {type(data).__name__}")
    hints: dict[str, Any] = _hints(cls)  # type: ignore[arg-type]
    unknown = sorted(set(data) - set(hints))
    if unknown:
        raise ValueError(f"a saved {cls.__name__} has an unknown field {unknown[0]!r}")
    try:
        return cls(**{k: _value(hints[k], x, f"{cls.__name__}.{k}") for k, x in data.items()})
    except TypeError as error:
        raise ValueError(f"a saved {cls.__name__} is incomplete: {error}") from None


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _value(hint: Any, x: Any, where: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if x is None and type(None) in arguments:
            return None
        return _value(next(a for a in arguments if a is not type(None)), x, where)
    if origin is tuple:
        if not isinstance(x, list | tuple):
            raise ValueError(f"{where} is a list, got {type(x).__name__}")
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_value(arguments[0], y, where) for y in x)
        if len(arguments) != len(x):
            raise ValueError(f"{where} has {len(arguments)} entries, got {len(x)}")
        return tuple(_value(a, y, where) for a, y in zip(arguments, x))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(x, Mapping):
            raise ValueError(f"{where} is an object, got {type(x).__name__}")
        return {
            _value(arguments[0], k, where): _value(arguments[1], y, where) for k, y in x.items()
        }
    if is_dataclass(hint):
        return from_data(hint, x)  # type: ignore[arg-type]
    return _plain(hint, x, where)


def _plain(hint: Any, x: Any, where: str) -> Any:
    if hint in (Any, object):
        return x
    if hint is int and isinstance(x, str) and x.lstrip("-").isdigit():
        return int(x)  # a key of an object
    if hint is float and isinstance(x, int) and not isinstance(x, bool):
        return float(x)
    if not isinstance(x, hint) or (isinstance(x, bool) and hint is not bool):
        raise ValueError(f"{where} is {hint.__name__}, got {type(x).__name__}")
    return x
