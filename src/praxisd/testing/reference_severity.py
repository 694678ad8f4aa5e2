"""How grave an issue may be: read from the places where the checks' source says `Finding(code, subject, severity, …)`.

A severity is no part of a check's declaration, since one code may be a warning first and an error later.
"""

import ast
import importlib
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

from praxisd.kernel import issues_running
from praxisd.kernel.finding import Severity
from praxisd.kernel.registry import Registry

Said = dict[str, set[Severity]]


def severities(found: Registry) -> dict[str, tuple[Severity, ...]]:
    """By code, the gravest first; nothing for a code of which the source alone does not say it."""
    known: Said = {}
    loose: dict[str, set[Severity] | None] = {}
    for module in _modules(found):
        sure, loose[module.__name__] = _of_module(module)
        for code, words in sure.items():
            known.setdefault(code, set()).update(words)
    rounds = ((issues_running.FAILED, issues_running.TIMEOUT), issues_running.__name__)
    for codes, place in (rounds, *((check.codes, check.call.__module__) for check in found.checks)):
        for code in codes:
            if code not in known and (words := loose.get(place) or set()):
                known[code] = words
    order = list(Severity)
    return {code: tuple(sorted(words, key=order.index)) for code, words in known.items() if words}


def _modules(found: Registry) -> Iterator[ModuleType]:
    """All modules of the services, in order."""
    for service in found.services:
        top = importlib.import_module(service.package)
        folder = Path(str(top.__file__)).parent
        for path in sorted(folder.rglob("*.py")):
            if "Finding(" in path.read_text(encoding="utf-8") and "migrations" not in path.parts:
                parts = path.relative_to(folder).with_suffix("").parts
                name = ".".join([service.package, *(one for one in parts if one != "__init__")])
                yield sys.modules.get(name) or importlib.import_module(name)


@cache
def _of_module(module: ModuleType) -> tuple[Said, set[Severity] | None]:
    """What is said of codes by name, and of codes that a variable names (None where the source does not tell)."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    sure: Said = {}
    loose: set[Severity] | None = set()
    for function in [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)]:
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Finding" and call.args:
                words = _severity(call, function, tree)
                code = _constant(call.args[0], module)
                if code is not None:
                    sure.setdefault(code, set()).update(words)
                else:
                    loose = loose | words if words and loose is not None else None
    return sure, loose


def _constant(node: ast.expr, module: ModuleType) -> str | None:
    """The text an expression stands for, where it is a literal, a constant of the module or one of another module."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    try:
        value = eval(compile(ast.Expression(node), "code", "eval"), vars(module))
    except Exception:
        return None
    return value if isinstance(value, str) else None


def _severity(call: ast.Call, function: ast.AST, tree: ast.AST) -> set[Severity]:
    """All that the third argument may be: named there, or where the variable or function it names gets its value; nothing where
    that is elsewhere.
    """
    given = [one.value for one in call.keywords if one.arg == "severity"]
    if len(call.args) > 2:
        given.append(call.args[2])
    if not given:
        return {Severity.ERROR}
    named = _named(given[0])
    names = {one.id for one in ast.walk(given[0]) if isinstance(one, ast.Name)}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and names & {getattr(t, "id", "") for t in node.targets}:
            named |= _named(node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name in names and node is not function:
            named |= _named(node)
    return named


def _named(node: ast.AST) -> set[Severity]:
    return {
        Severity[one.attr]
        for one in ast.walk(node)
        if isinstance(one, ast.Attribute)
        and getattr(one.value, "id", "") == "Severity"
        and one.attr in Severity.__members__
    }
