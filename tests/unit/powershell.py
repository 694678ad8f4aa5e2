"""Scripts of PowerShell, read by a grammar of it (tree-sitter): is it one, and which commands does it call?"""

from collections.abc import Iterator

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser


def faults(script: str) -> list[tuple[int, int]]:
    """Line and column (from 0) of all that the grammar cannot read."""
    return [tuple(one.start_point) for one in _nodes(script) if one.is_error or one.is_missing]


def commands(script: str) -> list[str]:
    """The names of the commands it calls, in order."""
    return [(one.text or b"").decode() for one in _nodes(script) if one.type == "command_name"]


def _nodes(script: str) -> Iterator[Node]:
    waiting = [Parser(Language(tree_sitter_powershell.language())).parse(script.encode()).root_node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.children)
