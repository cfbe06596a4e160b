"""The field notation of routes.csv.

`name!` is required, `name*` repeated; `[low..high]`, `{one|of}`, `(a note)` and `=default` may follow.
"""

import re
from dataclasses import dataclass

_FIELD = re.compile(r"(\w+)([!*]*)(?:\[(\d+)\.\.(\d+)\])?(?:\{([^}]*)\})?(?:\([^)]*\))?(?:=(\w+))?(?:\s+|$)")


@dataclass(frozen=True)
class RouteField:
    name: str
    required: bool
    repeated: bool
    bounds: tuple[int, int] | None
    words: tuple[str, ...]
    parts: tuple[str, ...]


def parse(text: str) -> list[RouteField]:
    fields = [_field(match) for match in _FIELD.finditer(text)]
    assert "".join(match.group(0) for match in _FIELD.finditer(text)) == text, f"cannot read {text!r}"
    return fields


def _field(match: re.Match[str]) -> RouteField:
    name, flags, low, high, braces, _default = match.groups()
    inside = braces or ""
    return RouteField(
        name=name,
        required="!" in flags,
        repeated="*" in flags,
        bounds=(int(low), int(high)) if low else None,
        words=tuple(inside.split("|")) if "|" in inside else (),
        parts=tuple(inside.split()) if inside and "|" not in inside else (),
    )
