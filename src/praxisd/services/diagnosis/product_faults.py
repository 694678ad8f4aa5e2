"""What is wrong in a product file, where exactly, and in words: from the messages of `tomllib` and `msgspec`."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

import msgspec

from praxisd.model.requirement import ROLES, Requirement
from praxisd.services.diagnosis.product_position import Path, Positions

if TYPE_CHECKING:
    from praxisd.kernel.texts import Texts

KEY = "diagnosis.product_fault."
"""Texts of faults: one sentence each, `KEY + what`."""
KINDS = tuple(sorted(str(one.__struct_config__.tag) for one in get_args(Requirement)))
_ALLOWED = {
    "roles": ROLES,
    "level": ("must", "should"),
    "protocol": ("tcp", "udp", ""),
    "install_where": ("data", "sql"),
    "kind": KINDS,
    "family": ("framework", "core"),
    "bits": ("32", "64"),
}
_WORDS = {
    "str": "string", "int": "integer", "float": "float", "bool": "boolean", "array": "array", "object": "table",
    "date": "date", "datetime": "date", "null": "null",
}  # fmt: skip
"""msgspec's words of types in those of TOML."""
_BRIEF = 200
_AT = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_SYNTAX = re.compile(r"(?P<detail>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("missing", re.compile(r"Object missing required field `(?P<field>[^`]+)`")),
    ("unknown", re.compile(r"Object contains unknown field `(?P<field>[^`]+)`")),
    ("choice", re.compile(r"Invalid (?:enum )?value (?P<value>.+)")),
    ("form", re.compile(r"Expected `str` matching regex (?P<pattern>.+)")),
    ("bounds", re.compile(r"Expected (?P<wanted>`\w+`(?: of length)? [<>=].+)")),
    ("type", re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<got>[^`]+)`")),
    ("date", re.compile(r"Invalid RFC3339 encoded date")),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a file. `line` and `column` count from 1; `what` is the end of a text key."""

    file: str
    line: int
    column: int
    what: str
    params: dict[str, str] = field(default_factory=dict)

    def words(self, texts: "Texts", lang: str) -> str:
        """The sentence about it."""
        return texts.get(KEY + self.what, lang, **self.params)

    def brief(self) -> str:
        """The fault without words of a language, for an Issue: the key, and what is there or wanted."""
        says = self.params.get
        key = says("field") or says("key") or says("table") or says("id") or says("name") or ""
        parts = [says("value"), says("got"), says("detail"), says("pattern")]
        wanted = says("allowed") or says("wanted")
        text = " ".join(one for one in (key, self.what, *parts, f"({wanted})" if wanted else "") if one)
        return text if len(text) <= _BRIEF else text[: _BRIEF - 1] + "…"


def syntax(file: str, text: str, error: Exception) -> Fault:
    """A fault of TOML itself."""
    found = _SYNTAX.fullmatch(str(error))
    if found is None:
        return Fault(file, 1, 1, "syntax", {"detail": str(error)})
    if found["line"] is None:
        lines = text.split("\n")
        return Fault(file, len(lines), len(lines[-1]) + 1, "syntax", {"detail": found["detail"]})
    return Fault(file, int(found["line"]), int(found["column"]), "syntax", {"detail": found["detail"]})


def convert(
    value: object, kind: object, file: str, places: Positions, path: Path, note: Callable[[Fault], None]
) -> object | None:
    """`value` as a struct of `kind`; None with a fault noted where it is none."""
    try:
        return msgspec.convert(value, kind, strict=True)  # type: ignore[call-overload, no-any-return]
    except msgspec.ValidationError as error:
        note(_explained(str(error), file, places, path))
        return None


def _explained(message: str, file: str, places: Positions, path: Path) -> Fault:
    at = _AT.search(message)
    if at is not None:
        message = message[: at.start()]
        steps = _STEP.findall(at["path"])
        path = (*path, *(int(index) if index else name for name, index in steps))
    what, params = "other", {"detail": message}
    for name, pattern in _FORMS:
        found = pattern.fullmatch(message)
        if found is not None:
            what, params = name, {key: text for key, text in found.groupdict().items() if text is not None}
            break
    if what == "unknown":
        path = (*path, params["field"])
    if what == "type":
        wanted = " | ".join(_WORDS.get(one, one) for one in params["wanted"].split(" | "))
        params = {"wanted": wanted, "got": _WORDS.get(params["got"], params["got"])}
    key = next((str(one) for one in reversed(path) if isinstance(one, str)), "")
    if what == "choice":
        allowed = _ALLOWED.get(key, ())
        what = "choice" if allowed else "value"
        params |= {"allowed": ", ".join(one or '""' for one in allowed)}
    line, column = places.of(path)
    return Fault(file, line, column, what, {"key": key, **params})
