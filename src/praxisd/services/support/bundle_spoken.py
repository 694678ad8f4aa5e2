"""Words that stand in the program's own code: what it can say into the log by itself, whoever may have typed what.

An event of the log is a word of the program (`kernel/log.py`). Which words those are, the code says: every literal of
the modules that are loaded. A word that somebody made up stands in none.
"""

import re
import sys
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, FunctionType, ModuleType

OURS = ("praxisd", "praxisd_guard", "praxisd_relay")
_WORD = re.compile(r"[a-z][A-Za-z0-9_.]{0,63}")


def spoken() -> frozenset[str]:
    """The words of the modules that are loaded now."""
    return _spoken(len(sys.modules))


@lru_cache(maxsize=2)
def _spoken(_loaded: int) -> frozenset[str]:
    found: set[str] = set()
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in OURS and isinstance(module, ModuleType):
            for value in list(vars(module).values()):
                found.update(_words(value, name))
    return frozenset(found)


def _words(value: object, module: str) -> Iterator[str]:
    """Words in a constant, a function, or the functions of a class of this module."""
    if isinstance(value, str):
        if _WORD.fullmatch(value):
            yield value
    elif isinstance(value, CodeType):
        for one in value.co_consts:
            yield from _words(one, module)
    elif isinstance(value, tuple | frozenset):
        for one in value:
            if isinstance(one, str):
                yield from _words(one, module)
    elif isinstance(value, type) and value.__module__ == module:
        for one in list(vars(value).values()):
            if not isinstance(one, type | str):
                yield from _words(one, module)
    else:
        function = getattr(value, "__wrapped__", None) or getattr(value, "fget", None) or value
        function = getattr(function, "__func__", function)
        if isinstance(function, FunctionType):
            yield from _words(function.__code__, module)
