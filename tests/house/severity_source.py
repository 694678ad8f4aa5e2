"""How grave an issue is by the checks' source: the places that say `Finding(code, subject, severity, …)` with a code by name.

The declarations say it too (`Check.grave`); `test_codes` holds the two against each other.
"""

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from praxisd.kernel.finding import Severity
from praxisd.kernel.registry import Registry

Said = dict[str, set[Severity]]


def said(found: Registry) -> Said:
    """By code all severities that some place names; nothing for a code that only a variable names."""
    known: Said = {}
    for module in _modules(found):
        for code, words in _of_module(module).items():
            known.setdefault(code, set()).update(words)
    return {code: words for code, words in known.items() if words}


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


def _of_module(module: ModuleType) -> Said:
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    sure: Said = {}
    for function in [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)]:
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Finding" and call.args:
                for code in _codes(call.args[0], module):
                    sure.setdefault(code, set()).update(_severity(call, function))
    return sure


def _codes(node: ast.expr, module: ModuleType) -> list[str]:
    """The codes an expression stands for: literals, constants of the module or of another, either side of a condition."""
    if isinstance(node, ast.IfExp):
        return [*_codes(node.body, module), *_codes(node.orelse, module)]
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    try:
        value = eval(compile(ast.Expression(node), "code", "eval"), vars(module))
    except Exception:
        return []
    return [value] if isinstance(value, str) else []


def _severity(call: ast.Call, function: ast.AST) -> set[Severity]:
    """All that the third argument may be: named there, or where the variable it names gets its value; nothing where that is
    elsewhere.
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
    return named


def _named(node: ast.AST) -> set[Severity]:
    return {
        Severity[one.attr]
        for one in ast.walk(node)
        if isinstance(one, ast.Attribute)
        and getattr(one.value, "id", "") == "Severity"
        and one.attr in Severity.__members__
    }
