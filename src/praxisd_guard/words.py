"""The guard's own texts, in German and English: `texts/de.toml`, `texts/en.toml`."""

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


def accepted(header: str) -> str:
    """The first of our languages that an Accept-Language header names (RFC 9110 § 12.5.4), else German."""
    weighted = []
    for place, part in enumerate(header.split(",")[:20]):
        tag, _, parameters = part.strip().partition(";")
        try:
            weight = float(parameters.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 0.0
        if tag[:2].lower() in LANGUAGES and weight > 0:
            weighted.append((-weight, place, tag[:2].lower()))
    return min(weighted)[2] if weighted else LANGUAGES[0]


@cache
def _texts(lang: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / f"{lang}.toml").read_text(encoding="utf-8"))


def say(key: str, lang: str, /, **params: object) -> str:
    """The text of a dotted key. Raises KeyError for one that does not exist."""
    found: Any = _texts(lang)
    for part in key.split("."):
        found = found[part]
    return str(found).format(**params)


def why(code: str, lang: str) -> str:
    """What a Failure's code means, or the code itself where there are no words for it."""
    try:
        return say(f"why.{code}", lang)
    except (KeyError, AttributeError, TypeError):
        return code
