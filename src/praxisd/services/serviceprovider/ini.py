"""INI files as Windows' GetPrivateProfileString reads them, kept to the byte. Pure.

`read` takes any bytes and never fails: UTF-8, UTF-16 (with a byte order mark or without), else cp1252. Of a key that stands
twice the first counts, of a section that stands twice the first too; a comment begins with `;` at the start of a line;
blanks around key and value and one pair of quotes around the value are not part of it. A line that goes on a connection
string (the seed's example for x.isynet is printed so) belongs to the key before it.

What is odd is a `Note` with its line (from 1) and key. Positions are bytes of the file.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["section", "key", "more", "comment", "blank", "junk"]
"""`more` goes on the value of the line before; `junk` is a line that nobody reads."""
NoteKind = Literal["key_twice", "section_twice", "spaces", "nul", "no_section", "broken_section", "no_equals"]
SECTION = "Install"
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_BLANK = " \t\v\f\r\n\x1a\0"
_SAMPLE = 4096
_MOSTLY = 0.7


@dataclass(frozen=True, slots=True)
class Note:
    """Something odd in a file: where, and in which key ("" for none)."""

    kind: NoteKind
    line: int
    key: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `start` to `end` is all of it but its line end; `key_start`, `value_start`, `value_end` are meant for keys.

    `value` is the whole value, with lines that go on. `counts` False: Windows never sees it (a later one of the same name).
    `gaps` are the blanks around key, equals sign and value that may go.
    """

    number: int
    kind: Kind
    start: int
    end: int
    after: int
    section: str = ""
    key: str = ""
    value: str = ""
    value_start: int = 0
    value_end: int = 0
    counts: bool = False
    gaps: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Ini:
    """A file that was read. `newline` is the line end it uses most; `text_end`: where a tail of NUL bytes begins, or its end."""

    data: bytes
    encoding: str
    bom: bytes
    newline: str
    lines: tuple[Line, ...]
    notes: tuple[Note, ...]
    text_end: int

    def find(self, *names: str, section: str = SECTION) -> Line | None:
        """The line that counts for a key, upper and lower case alike. Of several spellings the first one that is there: to
        Windows they are different keys.
        """
        lines = self.pairs(section)
        for name in names:
            for one in lines:
                if one.key.casefold() == name.casefold():
                    return one
        return None

    def pairs(self, section: str = SECTION) -> list[Line]:
        """The lines of a section that count."""
        name = section.casefold()
        return [
            one for one in self.lines if one.kind == "key" and one.counts and one.section.casefold() == name
        ]

    def head(self, section: str = SECTION) -> Line | None:
        """The line where the section begins, the first of its name."""
        name = section.casefold()
        return next(
            (one for one in self.lines if one.kind == "section" and one.section.casefold() == name), None
        )


def read(data: bytes) -> Ini:
    """Any bytes as an INI file."""
    bom, encoding = _encoding(data)
    return _Reader(data, bom, encoding).read()


def edit(ini: Ini, key: str, value: str, *spellings: str, section: str = SECTION) -> bytes:
    """The file with this value; no other byte is changed.

    A key that is missing (in every one of its `spellings`) comes after the last of its section, a section that is missing
    at the end. ValueError for a value that cannot be written so that it is read again.
    """
    line = ini.find(key, *spellings, section=section)
    if line is None:
        found = _inserted(ini, section, f"{key}={value}")
    else:
        found = spliced(ini, [(line.value_start, line.value_end, value)])
    again = read(found).find(key, *spellings, section=section)
    if again is None or again.value != value:
        raise ValueError(f"{key} cannot be {value!r}")
    return found


def spliced(ini: Ini, changes: Iterable[tuple[int, int, str]]) -> bytes:
    """The file with the bytes from start to end of each change replaced by a text. ValueError if it cannot be encoded."""
    found, at = [], 0
    for start, end, text in sorted(changes):
        found += [ini.data[at:start], encoded(ini, text)]
        at = end
    return b"".join([*found, ini.data[at:]])


def tightened(ini: Ini, section: str = SECTION) -> bytes:
    """The file without the blanks around keys and values of a section."""
    name = section.casefold()
    return spliced(
        ini,
        [(start, end, "") for one in ini.lines if one.section.casefold() == name for start, end in one.gaps],
    )


def without(ini: Ini, lines: Iterable[Line]) -> bytes:
    """The file without these whole lines."""
    return spliced(ini, [(one.start, one.after, "") for one in lines])


def encoded(ini: Ini, text: str) -> bytes:
    """A text as this file would hold it; ValueError if it cannot."""
    return text.encode(ini.encoding)


def units(ini: Ini, start: int, end: int) -> str:
    """The bytes of a place as text, one character for each code unit, so that places in it are places in the file."""
    return _units(ini.data[start:end], ini.encoding)


def _units(data: bytes, encoding: str) -> str:
    if not encoding.startswith("utf-16"):
        return data.decode("latin-1")
    order: Literal["little", "big"] = "little" if encoding.endswith("le") else "big"
    return "".join(chr(int.from_bytes(data[at : at + 2], order)) for at in range(0, len(data), 2))


def _inserted(ini: Ini, section: str, text: str) -> bytes:
    head = ini.head(section)
    if head is None:
        last = ini.lines[-1] if ini.lines else None
        at, before = ini.text_end, "" if last is None or last.after > last.end else ini.newline
        return spliced(ini, [(at, at, f"{before}[{section}]{ini.newline}{text}{ini.newline}")])
    last = head
    for one in ini.lines[ini.lines.index(head) + 1 :]:
        if one.kind == "section":
            break
        if one.kind in ("key", "more"):
            last = one
    at = min(last.after, ini.text_end)
    if last.after > last.end:
        return spliced(ini, [(at, at, f"{text}{ini.newline}")])
    return spliced(ini, [(at, at, f"{ini.newline}{text}")])


def _encoding(data: bytes) -> tuple[bytes, str]:
    for bom, name in _BOMS:
        if data.startswith(bom):
            return bom, name
    sample = data.rstrip(b"\0")[:_SAMPLE]
    pairs = len(sample) // 2
    if pairs >= 2:
        even, odd = sample[0 : 2 * pairs : 2].count(0), sample[1 : 2 * pairs : 2].count(0)
        if odd > _MOSTLY * pairs and even < odd / 4:
            return b"", "utf-16-le"
        if even > _MOSTLY * pairs and odd < even / 4:
            return b"", "utf-16-be"
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            return b"", "cp1252"
        return b"", "utf-8"
    return b"", "cp1252"  # what Windows takes a file without a mark for


class _Reader:
    """Reads one file. The text is one character per code unit, so that places in it are places in the file."""

    def __init__(self, data: bytes, bom: bytes, encoding: str) -> None:
        self._data, self._bom, self._encoding = data, bom, encoding
        self._unit = 2 if encoding.startswith("utf-16") else 1
        body = data[len(bom) :]
        body = body[: len(body) - len(body) % self._unit]
        self._text = _units(body, encoding)
        self._notes: list[Note] = []
        self._lines: list[Line] = []
        self._section: str | None = None
        self._live = False
        self._sections: set[str] = set()
        self._keys: set[str] = set()

    def read(self) -> Ini:
        """All lines, in order."""
        end = len(self._text.rstrip("\0"))
        ends = [found.span() for found in re.finditer("\r\n|\r|\n", self._text[:end])]
        bounds = [0, *(after for _, after in ends)]
        for number, (start, stop) in enumerate(zip(bounds, [*(at for at, _ in ends), end], strict=True), 1):
            after = ends[number - 1][1] if number <= len(ends) else end
            if start < after:
                self._take(number, start, stop, after)
        if end < len(self._text):
            self._note("nul", len(self._lines))
        marks = [self._text[start:after] for start, after in ends]
        newline = max(("\r\n", "\n", "\r"), key=marks.count) if marks else "\r\n"
        return Ini(
            self._data,
            self._encoding,
            self._bom,
            newline,
            tuple(_joined(self._lines)),
            tuple(self._notes),
            self._at(end),
        )

    def _at(self, place: int) -> int:
        return len(self._bom) + place * self._unit

    def _words(self, start: int, end: int) -> str:
        raw = self._data[self._at(start) : self._at(end)]
        return raw.decode(self._encoding, "replace")

    def _note(self, kind: NoteKind, number: int, key: str = "") -> None:
        self._notes.append(Note(kind, number, key))

    def _take(self, number: int, start: int, end: int, after: int) -> None:
        first, last = self._bare(start, end)
        place = (number, self._at(start), self._at(end), self._at(after))
        if first == last:
            self._add("blank", place)
        elif self._text[first] == ";":
            self._add("comment", place)
        elif self._text[first] == "[":
            self._head(place, first, last)
        elif self._goes_on(first, last):
            self._add(
                "more",
                place,
                value=self._words(first, last),
                value_start=self._at(first),
                value_end=self._at(last),
            )
        elif "=" in self._text[first + 1 : last] and self._text[first] != "=":
            self._pair(place, (start, first, last, end))
        else:
            self._note("no_equals", number)
            self._add("junk", place)

    def _bare(self, start: int, end: int) -> tuple[int, int]:
        """The same stretch without blanks on both sides."""
        while start < end and self._text[start] in _BLANK:
            start += 1
        while end > start and self._text[end - 1] in _BLANK:
            end -= 1
        return start, end

    def _add(self, kind: Kind, place: tuple[int, int, int, int], **more: object) -> None:
        number, start, end, after = place
        self._lines.append(Line(number, kind, start, end, after, section=self._section or "", **more))  # type: ignore[arg-type]

    def _head(self, place: tuple[int, int, int, int], first: int, last: int) -> None:
        close = self._text.rfind("]", first, last)
        if close < 0:
            self._note("broken_section", place[0])
            self._add("junk", place)
            return
        self._section = self._words(first + 1, close).strip(_BLANK)
        folded = self._section.casefold()
        self._live = folded not in self._sections
        if self._live:
            self._sections.add(folded)
            self._keys = set()
        else:
            self._note("section_twice", place[0])
        self._add("section", place)

    def _goes_on(self, first: int, last: int) -> bool:
        """A line ending with a semicolon, right after a value that ends with one: a connection string is written so."""
        if not self._lines or self._lines[-1].kind not in ("key", "more") or self._text[last - 1] != ";":
            return False
        return self._lines[-1].value.endswith(";")

    def _pair(self, place: tuple[int, int, int, int], at: tuple[int, int, int, int]) -> None:
        start, first, last, end = at
        equals = self._text.index("=", first)
        key_start, key_end = self._bare(first, equals)
        value_start, value_end = self._bare(equals + 1, last)
        if value_start == value_end:
            value_start = value_end = equals + 1
        key, number = self._words(key_start, key_end), place[0]
        value = self._words(value_start, value_end)
        inside = (self._text[value_start : value_start + 1], self._text[value_end - 1 : value_end])
        if value_end - value_start >= 2 and inside[0] == inside[1] and inside[0] in "\"'":
            value = value[1:-1]
        gaps = [(start, key_start), (key_end, equals), (equals + 1, value_start), (value_end, end)]
        kept = tuple((self._at(a), self._at(b)) for a, b in gaps if a < b)
        if kept:
            self._note("spaces", number, key)
        if "\0" in self._text[start:end]:
            self._note("nul", number, key)
        counts = False
        if self._section is None:
            self._note("no_section", number, key)
        elif self._live:
            counts = key.casefold() not in self._keys
            self._keys.add(key.casefold())
            if not counts:
                self._note("key_twice", number, key)
        self._add(
            "key",
            place,
            key=key,
            value=value,
            value_start=self._at(value_start),
            value_end=self._at(value_end),
            counts=counts,
            gaps=kept,
        )


def _joined(lines: list[Line]) -> Iterable[Line]:
    """The lines, with what goes on a value added to it."""
    found = list(lines)
    for at in range(len(found) - 1, 0, -1):
        before, this = found[at - 1], found[at]
        if this.kind == "more" and before.kind in ("key", "more"):
            found[at - 1] = replace(before, value=f"{before.value} {this.value}")
    return found
