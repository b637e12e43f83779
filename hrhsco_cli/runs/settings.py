"""What a setting may be, by what stands there and by what its component says it takes."""

import inspect
import math
from collections.abc import Mapping
from typing import Any

from reports.errors import InputError

_NUMBERS = (int, float)


def require_same_kind(
    key: str, value: Any, old: Any, parameter: inspect.Parameter | None = None
) -> None:
    """Make sure that a number stands where one is meant, text where text is, and so on.

    Args:
        key: dotted, for the message.
        value: the new one.
        old: what the recipe has there; None where it has nothing.
        parameter: of the component that takes it, where that is known.

    Raises:
        InputError: the value is of another kind.
    """
    if _holds_infinite(value):
        raise _refusal(key, value, "a finite number")
    annotation = getattr(parameter, "annotation", None)
    default = getattr(parameter, "default", inspect.Parameter.empty)
    meant = default if old is None and default is not inspect.Parameter.empty else old
    if value is None:
        optional = default is None or old is None or "None" in str(annotation)
        if not optional and not (isinstance(old, dict) and "." in key):
            raise _refusal(key, value, _kind(meant))
        return
    if annotation in (bool, int, float, str):
        meant = annotation()
    if not (_alike(value, meant) or _listed_instead(value, meant, annotation)):
        raise _refusal(key, value, _kind(meant))
    if annotation is int or (annotation is None and _stays_whole(key, meant)):
        _require_whole(key, value)


def _stays_whole(key: str, meant: Any) -> bool:
    """Whether a number of no component counts something; norms of gradients don't."""
    return _is_whole(meant) and not key.startswith("optim_wrapper.")


def _is_whole(meant: Any) -> bool:
    if isinstance(meant, (list, tuple)) and meant:
        return all(type(each) is int for each in meant)
    return type(meant) is int


def _require_whole(key: str, value: Any) -> None:
    if isinstance(value, float) or (
        isinstance(value, (list, tuple)) and any(isinstance(each, float) for each in value)
    ):
        raise _refusal(key, value, "a whole number")


def _listed_instead(value: Any, meant: Any, annotation: Any) -> bool:
    """Whether one value stands for a list of them, or a list for one, where either is taken."""
    if not any(each in str(annotation).lower() for each in ("iter", "sequence", "list", "tuple")):
        return False
    listed = isinstance(value, (list, tuple))
    return _alike(value if listed else [value], meant if not listed else [meant])


def _alike(value: Any, meant: Any) -> bool:
    """Whether two values are of one kind; of a list's, those in it."""
    if meant is None:
        return True
    if isinstance(meant, bool) or isinstance(value, bool):
        return isinstance(meant, bool) and isinstance(value, bool)
    if isinstance(meant, _NUMBERS):
        return isinstance(value, _NUMBERS)
    if isinstance(meant, str):
        return isinstance(value, (str, Mapping))
    if isinstance(meant, Mapping):
        return isinstance(value, Mapping)
    if isinstance(meant, (list, tuple)):
        if not isinstance(value, (list, tuple)):
            return False
        return not meant or all(_alike(each, meant[0]) for each in value)
    return True


def _kind(meant: Any) -> str:
    """A kind of value in words."""
    if isinstance(meant, bool):
        return "true or false"
    if isinstance(meant, _NUMBERS):
        return "a number"
    if isinstance(meant, str):
        return "text"
    if isinstance(meant, Mapping):
        return "a mapping {key: value}"
    return "a list of alike values"


def _holds_infinite(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds_infinite, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_holds_infinite, value))
    return isinstance(value, float) and not math.isfinite(value)


def _refusal(key: str, value: Any, meant: str) -> InputError:
    return InputError(f"{key} is {value!r}, and {meant} is meant there; mend the setting")
