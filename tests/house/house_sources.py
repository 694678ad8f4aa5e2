"""What the house tests look at: the Python files of src/ and what each imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SRC = ROOT / "src"


def python_files() -> list[Path]:
    """Every Python file below src/, in a fixed order."""
    return sorted(SRC.rglob("*.py"))


def module_of(path: Path) -> str:
    """Dotted name of a file below src/: `praxisd.kernel.store`, `praxisd.kernel` for its `__init__.py`."""
    parts = list(path.relative_to(SRC).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Every statement, however deep. An import is one, so no expression need be looked into: most of a tree is those."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            below = getattr(node, field, ())
            yield from (one for one in below if isinstance(one, ast.stmt))
            waiting += below


def imported(module: str, source: str, is_package: bool = False) -> set[str]:
    """Dotted names a module imports, anywhere in it; `from a import b` counts as `a.b`.

    Imports under TYPE_CHECKING count: the rule is about what a file knows, not about what it loads.
    """
    names: set[str] = set()
    for node in _statements(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                parts = module.split(".")
                keep = len(parts) - node.level + (1 if is_package else 0)
                origin = ".".join([*parts[:keep], *([origin] if origin else [])])
            names.update(f"{origin}.{alias.name}" for alias in node.names)
    return names
