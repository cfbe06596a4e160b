"""Puts a gRPC service together from the capabilities that implement its methods."""

from collections.abc import Callable
from typing import TypeVar

_Servicer = TypeVar("_Servicer")


def joined(base: Callable[[], _Servicer], *capabilities: object) -> _Servicer:
    """A servicer of the generated base class with the methods of all capabilities.

    A method that no capability has stays the base's, which answers UNIMPLEMENTED.

    Raises:
        ValueError: A capability has a method that the service does not, or two have the same one.
    """
    servicer = base()
    taken: set[str] = set()
    for capability in capabilities:
        methods = {name for name in dir(type(capability)) if name[0].isupper()}
        if strangers := {name for name in methods if not hasattr(servicer, name)} | (methods & taken):
            raise ValueError(f"{type(capability).__name__}: unknown or repeated methods {sorted(strangers)}")
        for name in methods:
            setattr(servicer, name, getattr(capability, name))
        taken |= methods
    return servicer
