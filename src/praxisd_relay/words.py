"""Texts for people who run a hub, in German and English: `texts/de.toml`, `texts/en.toml`."""

import os
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("de", "en")
_FOLDER = Path(__file__).parent / "texts"


def language(chosen: str | None = None) -> str:
    """`chosen`, else PRAXISD_LANG, else that of the terminal, else German."""
    names = ("PRAXISD_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    found = chosen or next(filter(None, (os.environ.get(name) for name in names)), LANGUAGES[0])
    return found[:2].lower() if found[:2].lower() in LANGUAGES else LANGUAGES[0]


@cache
def _texts(lang: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / f"{lang}.toml").read_text(encoding="utf-8"))


def say(key: str, lang: str, /, **params: object) -> str:
    """The text of a dotted key. Raises KeyError for one that does not exist."""
    found: Any = _texts(lang)
    for part in key.split("."):
        found = found[part]
    return str(found).format(**params)


def has(key: str) -> bool:
    """Is there such a text?"""
    try:
        say(key, LANGUAGES[0])
    except KeyError as error:
        return error.args[0] not in key.split(".")  # a placeholder that was not given
    return True
