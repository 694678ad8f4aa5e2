"""Where in a TOML file each key, table and list element stands: line and column, both from 1.

`tomllib` forgets them. The text has been parsed by it before, so that only what is well-formed comes here; what the
scanner does not know it steps over.
"""

from dataclasses import dataclass
from functools import cached_property

Path = tuple[str | int, ...]
_BARE_END = set(" \t.=]\n\r")
_ATOM_END = set(",]}\n\r#")


@dataclass(frozen=True)
class Positions:
    """Places of all paths of a well-formed document, such as `("port", 3, "ports", 0)`. Scanned when first asked for."""

    text: str

    @cached_property
    def offsets(self) -> dict[Path, int]:
        """The offset of each path."""
        scanner = _Scanner(self.text)
        scanner.document()
        return scanner.found

    def of(self, path: Path) -> tuple[int, int]:
        """Line and column of a path, or of the nearest part of it that stands in the text."""
        for length in range(len(path), 0, -1):
            offset = self.offsets.get(path[:length])
            if offset is not None:
                return place(self.text, offset)
        return 1, 1


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Path, int] = {}
        self._lists: dict[Path, int] = {}

    def document(self) -> None:
        """All of it."""
        table: Path = ()
        while self._blank():
            start = self.at
            if self._peek() == "[":
                many = self.text.startswith("[[", start)
                self.at += 2 if many else 1
                table = self._table(self._keys(), start, many=many)
                self.at += 2 if many else 1
            else:
                self._pair(table)

    def _table(self, keys: list[str], start: int, *, many: bool) -> Path:
        path: Path = ()
        for number, key in enumerate(keys):
            path = (*path, key)
            if many and number == len(keys) - 1:
                self._lists[path] = self._lists.get(path, -1) + 1
            if path in self._lists:
                self.found.setdefault(path, start)
                path = (*path, self._lists[path])
            self.found.setdefault(path, start)
        return path

    def _pair(self, table: Path) -> None:
        start, path = self.at, table
        for key in self._keys():
            path = (*path, key)
            self.found.setdefault(path, start)
        self._blank(lines=False)
        self.at += 1  # =
        self._blank(lines=False)
        self._value(path)

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._blank(lines=False)
            start = self.at
            if self._peek() in ('"', "'"):
                self._string()
                keys.append(self.text[start + 1 : self.at - 1])
            else:
                while self._peek() and self._peek() not in _BARE_END:
                    self.at += 1
                keys.append(self.text[start : self.at])
            self._blank(lines=False)
            if self._peek() != ".":
                return keys
            self.at += 1

    def _value(self, path: Path) -> None:
        first = self._peek()
        if first in ('"', "'"):
            self._string()
        elif first in ("[", "{"):
            self.at += 1
            number = 0
            while self._blank() and self._peek() not in ("]", "}"):
                if first == "{":
                    self._pair(path)
                else:
                    self.found[(*path, number)] = self.at
                    self._value((*path, number))
                    number += 1
                self._blank()
                if self._peek() == ",":
                    self.at += 1
            self.at += 1
        else:
            while self._peek() and self._peek() not in _ATOM_END:
                self.at += 1

    def _string(self) -> None:
        quote = self._peek()
        end = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        self.at += len(end)
        while self.at < len(self.text) and not self.text.startswith(end, self.at):
            self.at += 2 if quote == '"' and self._peek() == "\\" else 1
        self.at += len(end)
        while len(end) == 3 and self._peek() == quote:  # """" ends a text that ends with a quote
            self.at += 1

    def _blank(self, *, lines: bool = True) -> bool:
        """Step over white space (and with `lines` over line ends and comments); False at the end of the text."""
        while self.at < len(self.text):
            letter = self._peek()
            if letter in " \t" or (lines and letter in "\r\n"):
                self.at += 1
            elif lines and letter == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                return True
        return False

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]
