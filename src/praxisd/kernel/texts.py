"""Texts for people: `texts/<lang>.toml` and `texts/<part>.<lang>.toml` of the kernel and of every service, as flat keys.

A text may hold placeholders `{name}`: plain names only, no attributes, indexes, conversions or formats, so
that a translator cannot reach into the program. That is checked when the file is read.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from string import Formatter

KERNEL = "praxisd.kernel"
FIRST = "de"
"""German is written first, so it is what a missing translation falls back to; then English."""
_FALLBACK = (FIRST, "en")
_LANG_FILE = re.compile(r"(?:[a-z][a-z0-9_]*\.)?([a-z]{2})\.toml")
_NAME = re.compile(r"[a-z][a-z0-9_]*")

Parts = tuple[tuple[str, str | None], ...]
"""A text cut at its placeholders: literal, then the name that follows it (None at the end)."""


class TextError(Exception):
    """A text file is wrong; the message names the package, the language and the key."""


class Texts:
    """All texts of the given packages (the kernel's own always come with them).

    Raises TextError for an unreadable file, a value that is no text, a bad placeholder, or one key in two
    files.
    """

    def __init__(self, packages: Iterable[str]) -> None:
        self._texts: dict[str, dict[str, str]] = {}
        self._parts: dict[str, dict[str, Parts]] = {}
        owner: dict[tuple[str, str], str] = {}
        for package in dict.fromkeys([KERNEL, *packages]):
            for file, lang, key, text in _read(package):
                first = owner.setdefault((lang, key), f"{package} {file}")
                if first != f"{package} {file}":
                    raise TextError(f"{package} {file}: the key {key} already belongs to {first}")
                self._texts.setdefault(lang, {})[key] = text
                parts = _split(text, f"{package} {lang}: {key}")
                if parts != ((text, None),):
                    self._parts.setdefault(lang, {})[key] = parts

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages that have any text, German first, the others by name."""
        return tuple(sorted(self._texts, key=lambda lang: (lang != FIRST, lang)))

    def get(self, key: str, lang: str = FIRST, /, **params: object) -> str:
        """The text in `lang` (`de-CH` counts as `de`), else in German, else in English; KeyError if nowhere.

        `registry.freeze()` proves at start that the keys of all declarations exist. Surplus `params` are
        ignored and a missing one stays visible as `{name}`: explaining a failure must never fail itself.
        """
        for one in (lang[:2].lower(), *_FALLBACK):
            text = self._texts.get(one, {}).get(key)
            if text is not None:
                parts = self._parts.get(one, {}).get(key)
                return text if parts is None else _fill(parts, params)
        raise KeyError(key)

    def has(self, key: str, lang: str | None = None) -> bool:
        """True if the key exists in exactly this language, or in any if None."""
        if lang is None:
            return any(key in table for table in self._texts.values())
        return key in self._texts.get(lang, {})

    def keys(self, lang: str | None = None) -> frozenset[str]:
        """The keys of one language, or of all."""
        tables = self._texts.values() if lang is None else [self._texts.get(lang, {})]
        return frozenset(key for table in tables for key in table)

    def table(self, lang: str) -> Mapping[str, str]:
        """The raw texts of a language with their placeholders, for the console."""
        return dict(self._texts.get(lang, {}))

    def placeholders(self, key: str, lang: str = FIRST) -> frozenset[str]:
        """Names of the placeholders in that language's text; empty if it has none or does not exist."""
        parts = self._parts.get(lang, {}).get(key, ())
        return frozenset(name for _, name in parts if name is not None)


def _read(package: str) -> Iterator[tuple[str, str, str, str]]:
    """(file, language, key, text) of all text files of a package; a package without texts yields nothing."""
    folder = files(package).joinpath("texts")
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        match = _LANG_FILE.fullmatch(entry.name)
        if match is None:
            continue
        try:
            tree = tomllib.loads(entry.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise TextError(f"{package} {match[1]}: {error}") from error
        for key, text in _flat(tree, ""):
            if not isinstance(text, str) or not text.strip():
                raise TextError(f"{package} {match[1]}: {key} is no text")
            yield entry.name, match[1], key, text


def _flat(tree: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _split(text: str, where: str) -> Parts:
    """(literal, placeholder after it) pairs; TextError for anything but plain names."""
    parts: list[tuple[str, str | None]] = []
    try:
        for literal, name, spec, conversion in Formatter().parse(text):
            if name is not None and (spec or conversion or not _NAME.fullmatch(name)):
                raise TextError(f"{where}: only plain placeholders such as {{name}} are allowed")
            parts.append((literal, name))
    except ValueError as error:
        raise TextError(f"{where}: {error}") from error
    return tuple(parts)


def _fill(parts: Parts, params: Mapping[str, object]) -> str:
    return "".join(
        literal if name is None else f"{literal}{params[name] if name in params else '{' + name + '}'}"
        for literal, name in parts
    )
