"""Paths: from an address to the operation behind it.

Our own because Litestar 2.25 raises KeyError for ASGI handlers with path parameters, and its tree never goes back:
`/a/{id}/x` hides behind `/a/fixed/{id}`. Fixed segments win over parameters; a template ending in `/*` takes all that
lies below it (parameter `rest`). A final slash does not matter.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

T = TypeVar("T")
REST = "rest"


class _Node:
    __slots__ = ("below", "children", "name", "parameter", "value")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.name = ""
        self.value: Any = None
        self.below: Any = None


class Paths(Generic[T]):
    """Templates such as `/notes/{id}/cancel` and what they lead to."""

    def __init__(self) -> None:
        self._fixed: dict[str, T] = {}
        self._root = _Node()

    def add(self, template: str, value: T) -> None:
        """Register a template; ValueError if it is there already or names one place differently."""
        if "{" not in template and "*" not in template:
            if template in self._fixed:
                raise ValueError(f"{template} is there already")
            self._fixed[template] = value
            return
        node = self._root
        parts = template.strip("/").split("/")
        for part in parts[:-1] if parts[-1] == "*" else parts:
            if part.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
                if node.name not in ("", part[1:-1]):
                    raise ValueError(f"{template}: {part} is called {node.name} elsewhere")
                node.name = part[1:-1]
            else:
                node = node.children.setdefault(part, _Node())
        slot = "below" if parts[-1] == "*" else "value"
        if getattr(node, slot) is not None:
            raise ValueError(f"{template} is there already")
        setattr(node, slot, value)

    def find(self, path: str) -> tuple[T, Mapping[str, str]] | None:
        """What the path leads to, with the parameters found in it."""
        found = self._fixed.get(path) or self._fixed.get(path.rstrip("/"))
        if found is not None:
            return found, {}
        parts = path.strip("/").split("/")
        return next(_walk(self._root, parts, 0, {}), None)


def _walk(
    node: _Node, parts: list[str], at: int, found: dict[str, str]
) -> Iterator[tuple[Any, dict[str, str]]]:
    if at == len(parts):
        if node.value is not None:
            yield node.value, found
        if node.below is not None:
            yield node.below, {**found, REST: ""}
        return
    part = parts[at]
    child = node.children.get(part)
    if child is not None:
        yield from _walk(child, parts, at + 1, found)
    if node.parameter is not None and part:
        yield from _walk(node.parameter, parts, at + 1, {**found, node.parameter.name: part})
    if node.below is not None:
        yield node.below, {**found, REST: "/".join(parts[at:])}
