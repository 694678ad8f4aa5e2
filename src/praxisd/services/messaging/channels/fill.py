"""What descriptions of gateways are made of: texts with named gaps, and paths into what a gateway answers. Pure.

`{name}` is a gap; `{{` and `}}` are braces. A path is `messages.0.id`; numbers count from 0, the empty path is the whole.
"""

import re
from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any
from urllib.parse import quote

Values = Mapping[str, str | int]
_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def gaps(text: str) -> list[str]:
    """Names of the gaps in `text`; ValueError for anything but plain names."""
    found: list[str] = []
    for _, name, spec, conversion in Formatter().parse(text):
        if name is None:
            continue
        if spec or conversion or not _NAME.fullmatch(name):
            raise ValueError(f"{{{name}}} is no plain name")
        found.append(name)
    return found


def all_texts(value: Any) -> Iterator[str]:
    """Every text in a tree of tables and lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from all_texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from all_texts(one)


def fill(text: str, values: Values, *, address: bool = False) -> str:
    """`text` with its gaps filled. In an address all but the first gap at its very start is percent-encoded."""
    parts: list[str] = []
    for literal, name, _, _ in Formatter().parse(text):
        parts.append(literal)
        if name is None:
            continue
        value = str(values[name])
        raw = not address or not "".join(parts)
        parts.append(value.rstrip("/") if address and raw else value if raw else quote(value, safe=""))
    return "".join(parts)


def whole(text: str, values: Values) -> bool:
    """True if no gap of `text` would be filled with nothing."""
    return all(values[name] != "" for name in gaps(text))


def fill_tree(value: Any, values: Values) -> Any:
    """A body with its gaps filled; entries with a gap that nothing fills are left out.

    A text that is one gap only keeps the kind of its value: numbers stay numbers.
    """
    if isinstance(value, str):
        names = gaps(value)
        only = len(names) == 1 and value == f"{{{names[0]}}}"
        return values[names[0]] if only else fill(value, values)
    if isinstance(value, Mapping):
        kept = {name: one for name, one in value.items() if not isinstance(one, str) or whole(one, values)}
        return {name: fill_tree(one, values) for name, one in kept.items()}
    if isinstance(value, list | tuple):
        return [fill_tree(one, values) for one in value if not isinstance(one, str) or whole(one, values)]
    return value


def fill_flat(table: Mapping[str, str], values: Values) -> dict[str, str]:
    """Headers, query or form with their gaps filled; entries with a gap that nothing fills are left out."""
    return {name: fill(one, values) for name, one in table.items() if whole(one, values)}


def at(tree: Any, path: str) -> Any:
    """What lies at the path, or None."""
    for step in path.split(".") if path else ():
        if isinstance(tree, Mapping):
            tree = tree.get(step)
        elif isinstance(tree, list) and step.isdigit() and int(step) < len(tree):
            tree = tree[int(step)]
        else:
            return None
    return tree


def word(value: Any) -> str:
    """A value of JSON as one word: true, null, 100; empty for what is none (tables, lists)."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) else ""


def text_at(tree: Any, path: str) -> str:
    """The word at the path; empty where there is no path, or nothing there."""
    value = at(tree, path) if path else None
    return "" if value is None else word(value)


def fits(tree: Any, when: Mapping[str, str]) -> bool:
    """True if at each path lies the word that is named; `*` stands for anything but nothing, `a|b` for one of several."""
    for path, wanted in when.items():
        found = at(tree, path)
        if wanted == "*":
            if found is None:
                return False
        elif word(found) not in wanted.split("|"):
            return False
    return True
